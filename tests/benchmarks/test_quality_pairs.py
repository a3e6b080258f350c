from pathlib import Path

import pytest

from benchmarks import faces, quality_pairs


def test_rendered_people_stand_in_where_the_real_ones_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    speakers = [tmp_path / name for name in ("one", "two")]
    monkeypatch.setattr(faces, "SPEAKERS", speakers)
    assert quality_pairs.pair_at_hand() == "rendered"
    assert "rendered ones are used" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="--pair rendered"):
        quality_pairs.grid(tmp_path)
    for folder in speakers:
        folder.mkdir()
    assert quality_pairs.pair_at_hand() == "grid"
    assert not capsys.readouterr().err
