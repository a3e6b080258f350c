"""Replacing files in one step."""

import os
import stat
from pathlib import Path

import pytest

from lib.errors import FaceswapError
from lib.files import keep_as, make_read_only, replacing, sync


def test_the_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    with replacing(path) as temporary:
        temporary.write_text("one")
        assert not path.exists()
        assert temporary.suffix == ".txt"
    assert path.read_text() == "one"
    assert list(path.parent.iterdir()) == [path]


def test_after_an_error_the_old_file_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_backup_keeps_the_file_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, backup = tmp_path / "file", tmp_path / "file.bk"
    keep_as(path, backup)
    assert not backup.exists()
    path.write_text("one")
    keep_as(path, backup)
    assert path.read_text() == backup.read_text() == "one"
    with replacing(path) as temporary:
        temporary.write_text("two")
    assert backup.read_text() == "one"

    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("lib.files.os.link", refuse)
    keep_as(path, backup)
    assert path.read_text() == backup.read_text() == "two"


def test_what_the_system_refuses_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(FaceswapError, match="can't write .*file"),
        replacing(tmp_path / "file" / "x") as temporary,
    ):
        temporary.write_text("")


@pytest.mark.skipif(os.name == "nt", reason="such files could not be removed there")
def test_a_read_only_file_can_be_synced_renamed_linked_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    make_read_only(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    sync(path)
    keep_as(path, tmp_path / "other")
    path.rename(tmp_path / "new")
    (tmp_path / "new").unlink()
    assert (tmp_path / "other").read_text() == "x"
