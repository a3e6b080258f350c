"""Which files make a set of faces, in which order, and where it lies."""

import shutil
import sys
import tempfile
import time

import cv2
import numpy as np
import pytest
from tqdm import tqdm

from lib.data import faceset
from lib.data.faceset import BadFace, load_faces
from lib.data.stored import StoredPictures
from lib.errors import FaceswapError
from tests.fixtures.framed_face import cut, make_landmarks, write_face


def test_bad_files_take_no_slot(tmp_path):
    (tmp_path / "b.png").write_bytes(b"nothing")
    (tmp_path / "d.png").write_bytes(b"nothing")
    good = [write_face(tmp_path / "a.png"), write_face(tmp_path / "c.png", 128)]
    spot = np.tile([[5.0, 6.0]], (68, 1))
    far = make_landmarks()
    far[:17] += (30_000, 0)
    one_off = make_landmarks()
    one_off[3] -= (0, 5000)
    bad_faces = [
        write_face(tmp_path / "e.png", landmarks=spot),
        write_face(tmp_path / "f.png", landmarks=far),
        write_face(tmp_path / "g.png", landmarks=one_off),
    ]
    paths = [good[0], str(tmp_path / "b.png"), good[1], str(tmp_path / "d.png"), *bad_faces]
    faces, bad = load_faces(paths, cut(), "A")
    assert faces.paths == tuple(good)
    assert faces.images.shape == faces.masks.shape == (2, 96, 96, 3)
    assert faces.landmarks.shape == (2, 68, 2)
    assert (faces.images.reshape(2, -1).max(axis=1) > 100).all()
    assert [face.path for face in bad] == [paths[1], paths[3], *bad_faces]
    assert bad[0] == BadFace(paths[1], "is no PNG, JPEG or WebP picture")
    assert str(bad[2]) == f"{bad_faces[0]} has landmarks that all lie within one pixel"
    assert bad[3].reason == "has landmarks that put the face outside the picture"
    assert bad[4].reason == "has landmarks far outside the picture"


@pytest.mark.parametrize("names", [[], ["x.png", "y.png"]])
def test_no_good_file_makes_an_empty_set(tmp_path, names):
    faces, bad = load_faces([str(tmp_path / name) for name in names], cut(), "A")
    assert len(faces) == 0
    assert faces.size == 96
    assert faces.has_landmarks.shape == (0,)
    assert [face.reason for face in bad] == ["cannot be read: No such file or directory"] * len(
        names
    )


def test_order_is_kept_with_any_number_of_threads(tmp_path, monkeypatch):
    paths = []
    for value in range(40):
        paths.append(str(tmp_path / f"{value:02}.png"))
        cv2.imwrite(paths[-1], np.full((40, 40, 3), value, np.uint8))
    for threads in (1, 7, None):
        monkeypatch.setattr("os.cpu_count", lambda threads=threads: threads)
        faces, _ = load_faces(paths, cut(32), "A")
        assert faces.images[:, 5, 5, 1].tolist() == list(range(40))


def test_a_part_of_a_set(tmp_path):
    paths = [write_face(tmp_path / f"{size}.png", size) for size in (64, 96, 128)]
    faces, _ = load_faces(paths, cut(), "A")
    chosen = faces.subset([2, 0])
    assert chosen.paths == (paths[2], paths[0])
    for name in ("images", "masks", "landmarks"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(faces, name)[[2, 0]])
    assert chosen.has_landmarks.tolist() == [True, True]
    last = faces.part(slice(1, None))
    assert (last.paths, last.files) == (tuple(paths[1:]), faces.files[1:])
    assert chosen.files == (faces.files[2], faces.files[0])
    for name in ("images", "masks", "landmarks"):
        np.testing.assert_array_equal(getattr(last, name), getattr(faces, name)[1:])
        assert np.shares_memory(getattr(last, name), getattr(faces, name))


def test_large_sets_lie_in_a_file_that_has_no_name(tmp_path, monkeypatch):
    paths = [write_face(tmp_path / f"{size}.png", size) for size in (96, 128)]
    expected, _ = load_faces(paths, cut(), "A")
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(faceset, "_LARGEST_IN_MEMORY", 1000)
    faces, _ = load_faces(paths, cut(), "A")
    assert isinstance(faces.images, StoredPictures)
    assert not list(folder.iterdir())
    assert faces.size == 96
    for part, wanted in (
        (faces, [0, 1]),
        (faces.part(slice(1, 2)), [1]),
        (faces.subset([1, 0]), [1, 0]),
    ):
        assert part.paths == tuple(paths[index] for index in wanted)
        for row, index in enumerate(wanted):
            np.testing.assert_array_equal(part.images[row], expected.images[index])
            np.testing.assert_array_equal(part.masks[row], expected.masks[index])


def test_faces_do_not_pile_up_where_they_are_taken_slowly(tmp_path, monkeypatch):
    paths = [write_face(tmp_path / f"{size}.png", size) for size in range(64, 164)]
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    begun = []

    def load(path):
        begun.append(path)
        return path

    with faceset._mapped(load, paths) as results:
        for count, path in enumerate(results):
            time.sleep(0.001)
            assert path == paths[count]
            assert len(begun) - count < 20
    assert len(begun) == 100


def test_of_the_same_pictures_the_first_is_taken(tmp_path):
    paths = [
        write_face(tmp_path / f"{name}.png", size)
        for name, size in zip("ace", (64, 96, 128), strict=True)
    ]
    twins = {"b": paths[0], "d": paths[1], "f": paths[0]}
    for name, path in twins.items():
        shutil.copy(path, tmp_path / f"{name}.png")
    (tmp_path / "g.png").symlink_to(paths[2])
    every = [str(path) for path in sorted(tmp_path.iterdir())]
    faces, bad = load_faces(every, cut(), "A")
    assert faces.paths == tuple(paths)
    assert len(faces.files) == 3
    names = {"b": "a", "d": "c", "f": "a", "g": "e"}
    assert bad == [
        BadFace(str(tmp_path / f"{name}.png"), f"is the same picture as {first}.png")
        for name, first in names.items()
    ]


def test_bad_files_that_are_the_same_are_bad_for_what_they_are(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(b"nothing")
    _, bad = load_faces([str(tmp_path / "a.png"), str(tmp_path / "b.png")], cut(), "A")
    assert [face.reason for face in bad] == ["is no PNG, JPEG or WebP picture"] * 2


def test_no_room_for_a_large_set_is_told(monkeypatch):
    def refuse(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", refuse, raising=False)
    monkeypatch.setattr(faceset, "_LARGEST_IN_MEMORY", 1000)
    with pytest.raises(FaceswapError, match=r"no room.*No space left on device.*TMPDIR"):
        load_faces(["a.png"], cut(), "A")


def test_an_interruption_drops_the_files_still_waiting(tmp_path, monkeypatch):
    path = write_face(tmp_path / "a.png")
    seen = []

    def stop(path, cut):
        seen.append(path)
        if len(seen) == 1:
            raise KeyboardInterrupt
        time.sleep(0.01)
        return faceset._Result("is late")

    monkeypatch.setattr(faceset, "_load", stop)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        load_faces([path] * 500, cut(), "A")
    assert len(seen) < 500


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_shows_on_a_terminal_only(tmp_path, monkeypatch, capsys, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    # It comes at once, not after a second as else.
    at_once = {"delay": 0, "mininterval": 0}
    monkeypatch.setattr("lib.progress.tqdm", lambda *a, **more: tqdm(*a, **{**more, **at_once}))
    load_faces([write_face(tmp_path / "a.png")], cut(), "Side A")
    shown = capsys.readouterr().err
    assert ("Side A" in shown) is terminal
    assert ("1/1" in shown) is terminal
