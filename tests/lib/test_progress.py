import io
import logging
import sys
import time

import pytest

from lib.progress import ConsoleBesideBar, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error; no fixture, because pytest puts its own in place after those."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def test_without_a_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress(range(3), "Faces", 3)) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_short_work_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    assert list(progress(range(3), "Faces", 3)) == [0, 1, 2]
    assert not stream.getvalue().strip()


def test_the_bar_of_long_work_goes_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    items = progress(iter((1, 2, 3)), "Faces", 5, done=2)
    next(items)
    time.sleep(1.1)
    next(items)
    shown = stream.getvalue()
    assert "Faces:  60%" in shown
    ConsoleBesideBar(stream, interactive=False).message("few faces", logging.WARNING)
    above = stream.getvalue()[len(shown) :]
    assert "\rWARNING: few faces\n" in above
    assert list(items) == [3]
    assert stream.getvalue().rpartition("\r")[2] == ""
    assert not stream.getvalue().split("\r")[-2].strip()
