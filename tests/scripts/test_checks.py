"""What is refused, or warned of, before a run begins."""

import logging
import shutil
from pathlib import Path

import pytest

from lib.extract.output import MARKER
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


def test_faces_of_an_extraction_that_has_not_ended_are_warned_of(
    rendered: dict[str, Path], tmp_path: Path, train_arguments, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(rendered["b"], tmp_path / "b")
    (tmp_path / "b" / MARKER).write_text("")
    find_faces(train_arguments(faces={"a": rendered["a"], "b": tmp_path / "b"}))
    (line,) = caplog.messages
    assert line.startswith(f"Side B: faceswap extract has not ended in '{tmp_path / 'b'}'")
