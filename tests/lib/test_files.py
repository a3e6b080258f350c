"""Replacing files in one step."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

from lib import files
from lib.errors import FaceswapError
from lib.files import keep_as, make_folder, make_read_only, replacing, roomy_folder, sync


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


def test_two_that_write_the_same_name_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / f"{'n' * (20 if os.name == 'nt' else 251)}.txt"  # as long as can be
    with replacing(path) as one:
        one.write_text("one")
        with replacing(path) as two, replacing(two) as within:
            within.write_text("two")
        assert len({one, two, within}) == 3
        assert path.read_text() == "two"
        assert one.name.startswith(files.UNFINISHED)
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_taken_away_goes_with_the_next_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("not now")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        patch.setattr("lib.files.os.replace", refuse)
        with pytest.raises(FaceswapError), replacing(tmp_path / "file") as temporary:
            temporary.write_text("half")
    assert temporary.exists()
    with replacing(tmp_path / "other") as whole:
        whole.write_text("whole")
    assert list(tmp_path.iterdir()) == [tmp_path / "other"]


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


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The default folder, one named by the environment and one on a disk; no name is set yet."""
    found = {name: tmp_path / name for name in ("default", "named", "disk")}
    for folder in found.values():
        folder.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: candidates(found))
    monkeypatch.setattr(files, "_ON_DISK", str(found["disk"]))
    return found


def candidates(folders: dict[str, Path]) -> list[str]:
    named = [os.environ[name] for name in ("TMPDIR", "TEMP", "TMP") if name in os.environ]
    return [*named, str(folders["default"])]


def test_large_files_lie_on_a_disk_where_nothing_else_is_named(folders: dict[str, Path]) -> None:
    assert roomy_folder() == str(folders["disk"])


@pytest.mark.parametrize("name", ["TMPDIR", "TEMP", "TMP"])
def test_a_folder_that_is_named_is_taken(
    name: str, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(folders["named"]))
    assert roomy_folder() == str(folders["named"])


@pytest.mark.parametrize("why", ["absent", "a file", "not to be written to"])
def test_without_such_a_disk_large_files_lie_in_the_default_folder(
    why: str, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    if why == "not to be written to":
        monkeypatch.setattr(os, "access", lambda *_: False)
    else:
        folders["disk"].rmdir()
    if why == "a file":
        folders["disk"].touch(mode=0o777)
    assert roomy_folder() == str(folders["default"])


def test_folders_that_are_made_survive_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("lib.files.sync", synced.append)
    make_folder(tmp_path / "models" / "pair")
    assert (tmp_path / "models" / "pair").is_dir()
    assert synced == [tmp_path, tmp_path / "models"]
    make_folder(tmp_path / "models" / "pair")
    assert len(synced) == 2
