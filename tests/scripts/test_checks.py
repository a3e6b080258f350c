"""What is refused, or warned of, before a run begins."""

import logging
from pathlib import Path

import pytest

from scripts.checks import find_faces


def test_one_folder_for_both_sides_is_warned_of(
    rendered: dict[str, Path], train_arguments, caplog: pytest.LogCaptureFixture
) -> None:
    twice = {"a": rendered["a"], "b": rendered["a"].parent / "." / "a"}
    with caplog.at_level(logging.WARNING):
        assert len(find_faces(train_arguments())["a"]) == 30
        assert not caplog.messages
        find_faces(train_arguments(faces=twice))
    assert caplog.messages == ["-A and -B are the same folder: there is nobody to swap with"]
