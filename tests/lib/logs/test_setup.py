"""The program's log."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.errors import FaceswapError
from lib.logs.levels import LEVELS, VERBOSE
from lib.logs.setup import PACKAGES, configure


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    for package in PACKAGES:
        logging.getLogger(package).setLevel(logging.NOTSET)


def test_ours_are_heard_from_the_level_up_and_others_from_warning(tmp_path: Path) -> None:
    handler = Kept()
    file = tmp_path / "log.txt"
    configure("VERBOSE", str(file), handler)
    logging.getLogger("lib.data").log(VERBOSE, "curious")
    logging.getLogger("lib.data").debug("too much")
    logging.getLogger("other").info("theirs")
    logging.getLogger("other").warning("trouble")
    assert handler.messages == ["curious", "trouble"]
    text = file.read_text()
    assert "VERBOSE lib.data: curious" in text
    assert "theirs" not in text


def test_every_level_that_is_offered_is_known() -> None:
    assert all(isinstance(logging.getLevelName(level), int) for level in LEVELS)


def test_a_log_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(FaceswapError, match="log file .* can't be opened"):
        configure("INFO", str(tmp_path), Kept())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_a_log_file_on_a_full_disk_is_warned_of_once(capfd: pytest.CaptureFixture[str]) -> None:
    handler = Kept()
    configure("INFO", "/dev/full", handler)
    for number in range(3):
        logging.getLogger("lib.data").info("line %d", number)
    logging.getLogger().handlers[-1].close()
    assert handler.messages == [
        "line 0",
        "Log file '/dev/full' is no longer written to: No space left on device",
        *("line 1", "line 2"),
    ]
    assert capfd.readouterr().err == ""


def test_a_message_that_cannot_be_formatted_is_not_taken_for_a_full_disk(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    configure("INFO", str(tmp_path / "log.txt"), logging.NullHandler())
    logging.getLogger("lib.data").info("%d", "no number")
    logging.getLogger("lib.data").info("and on")
    assert "Logging error" in capfd.readouterr().err
    assert "and on" in (tmp_path / "log.txt").read_text()
