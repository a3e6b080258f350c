"""Videos are written in pieces so small that a tiny clip has several."""

import pytest

from plugins.convert.writer import video


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "PIECE", 4)
