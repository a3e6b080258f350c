"""A side's faces, and what the user is told of them."""

import logging
from pathlib import Path

import pytest

from lib.data.faceset import Cut
from lib.data.files import find_images
from lib.data.sides import check_count, load_side, write_report
from lib.errors import FaceswapError

CUT = Cut(32, "face", "extended", mask_blur_kernel=3, mask_threshold=4)


@pytest.mark.parametrize("count", [0, 24])
def test_too_few_faces_are_refused(count: int) -> None:
    with pytest.raises(FaceswapError, match=f"side B has {count} faces: at least 25 .*500 to"):
        check_count("b", count, allow_few=False)


def test_few_faces_are_taken_where_asked_to() -> None:
    check_count("a", 25, allow_few=False)
    check_count("a", 1, allow_few=True)
    with pytest.raises(FaceswapError, match="side A has 0 faces"):
        check_count("a", 0, allow_few=True)


def test_good_faces_are_counted_and_few_are_warned_of(
    rendered: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        faces, bad = load_side("a", find_images(str(rendered["a"])), CUT, allow_few=False)
    assert len(faces) == 30
    assert caplog.messages[0] == "Side A: 30 faces"
    assert caplog.messages[1].startswith("Side A: 30 faces are few")
    assert bad == []


def test_bad_files_are_named_in_the_log_and_in_the_report(
    rendered: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = find_images(str(rendered["a"]))
    bad = []
    for index in range(5):
        bad.append(str(tmp_path / f"bad{index}.png"))
        Path(bad[-1]).write_bytes(b"?")
    report = tmp_path / "report.txt"
    _, found = load_side("b", [*bad, *good], CUT, allow_few=False)
    write_report(report, found)
    assert "Side B: 5 bad files left out" in caplog.messages[0]
    assert "and 2 more" in caplog.messages[0]
    assert [line.split()[0] for line in report.read_text().splitlines()] == bad
    write_report(report, [])
    assert not report.exists()
