"""Files that change after they were read."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from lib.data.changes import Originals
from lib.data.faceset import BadFace, Cut, FaceSet, load_faces
from lib.data.files import find_images

CUT = Cut(32, "face", None, 0, 0)


@pytest.fixture
def faces(tmp_path: Path) -> FaceSet:
    for value in range(6):
        cv2.imwrite(str(tmp_path / f"{value}.png"), np.full((32, 32, 3), value, np.uint8))
    loaded, bad = load_faces(find_images(str(tmp_path)), CUT, "A")
    assert (len(loaded), bad) == (6, [])
    return loaded


def test_files_that_stay_are_not_told(faces: FaceSet) -> None:
    originals = Originals([faces])
    Path(faces.paths[0]).read_bytes()
    assert originals.changes() == []


def test_each_change_is_told_once(faces: FaceSet) -> None:
    originals = Originals([faces.subset([0, 1, 2]), faces.subset([3, 4, 5])])
    paths = [Path(path) for path in faces.paths]
    paths[0].unlink()
    paths[2].write_bytes(b"another length")
    status = paths[3].stat()
    paths[3].write_bytes(paths[3].read_bytes())
    os.utime(paths[3], ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    paths[4].unlink()
    paths[4].mkdir()
    assert originals.changes() == [
        BadFace(str(paths[0]), "has been removed"),
        BadFace(str(paths[2]), "has changed"),
        BadFace(str(paths[3]), "has changed"),
        BadFace(str(paths[4]), "can't be read any more"),
    ]
    assert originals.changes() == []
    paths[2].unlink()
    paths[1].unlink()
    assert originals.changes() == [BadFace(str(paths[1]), "has been removed")]


def test_a_folder_that_goes_away_takes_all_of_its_files(faces: FaceSet, tmp_path: Path) -> None:
    originals = Originals([faces])
    folder = Path(faces.paths[0]).parent
    moved = folder.with_name("moved")
    folder.rename(moved)
    try:
        assert {face.reason for face in originals.changes()} == {"has been removed"}
        folder.write_text("a file")
        assert originals.changes() == []
    finally:
        folder.unlink(missing_ok=True)
        moved.rename(folder)


def test_files_that_may_not_be_read_any_more_are_told(
    faces: FaceSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    originals = Originals([faces])
    monkeypatch.setattr(os, "access", lambda path, _mode: path != faces.paths[1])
    assert originals.changes() == [BadFace(faces.paths[1], "can't be read any more")]

    def refuse(_path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lib.data.changes.os.stat", refuse)
    changed = originals.changes()
    monkeypatch.undo()
    assert [face.reason for face in changed] == ["can't be read any more: Permission denied"] * 5
