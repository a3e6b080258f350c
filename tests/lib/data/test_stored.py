import gc
import os
import tempfile
import threading

import numpy as np
import pytest

from lib.data.stored import StoredPictures
from lib.errors import FaceswapError


def filled(count=7, edge=12, seed=0):
    pictures = np.random.default_rng(seed).integers(0, 256, (count, edge, edge, 3), np.uint8)
    stored = StoredPictures(count, (edge, edge, 3))
    for index in np.random.default_rng(1).permutation(count):
        stored[index] = pictures[index]
    return stored, pictures


def test_what_is_put_in_comes_out():
    stored, pictures = filled()
    assert stored.shape == pictures.shape
    assert len(stored) == 7
    for index in (0, 3, 6, -1, np.intp(2)):
        np.testing.assert_array_equal(stored[index], pictures[index])
    np.testing.assert_array_equal(np.asarray(stored), pictures)
    np.testing.assert_array_equal(np.stack(list(stored)), pictures)


@pytest.mark.parametrize(
    "rows", [slice(2, None), slice(None, -2), slice(1, 6, 2), [5, 0, 5], np.array([6, 1])]
)
def test_some_are_those_of_an_array(rows):
    stored, pictures = filled()
    np.testing.assert_array_equal(np.asarray(stored[rows]), pictures[rows])
    assert stored[rows].shape == pictures[rows].shape


def test_some_of_some():
    stored, pictures = filled()
    np.testing.assert_array_equal(np.asarray(stored[2:][[3, 0]]), pictures[2:][[3, 0]])
    np.testing.assert_array_equal(stored[2:][1], pictures[3])


def test_there_is_an_end():
    stored, _ = filled()
    for index in (7, -8):
        with pytest.raises(IndexError):
            stored[index]


def test_what_is_read_is_ones_own():
    stored, pictures = filled()
    stored[2][:] = 0
    np.testing.assert_array_equal(stored[2], pictures[2])


def test_threads_read_at_once():
    stored, pictures = filled(64)
    wrong = []

    def read(first):
        for index in range(first, 64, 4):
            wrong.extend([index] if (stored[index] != pictures[index]).any() else [])

    threads = [threading.Thread(target=read, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_file_goes_with_the_last_that_refers_to_it():
    def is_open(number):
        try:
            os.fstat(number)
        except OSError:
            return False
        return True

    stored, pictures = filled()
    part, number = stored[3:], stored._file.number
    del stored
    gc.collect()
    np.testing.assert_array_equal(part[0], pictures[3])
    del part
    gc.collect()
    assert not is_open(number)


def test_a_full_disk_is_told(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(FaceswapError, match=r"has no room for 5 MiB of faces: No space .* TMPDIR"):
        StoredPictures(5, (1024, 1024, 1))


def test_faces_lie_in_the_roomy_folder_and_a_full_one_is_named(tmp_path, monkeypatch):
    placed = []
    make = tempfile.TemporaryFile

    def noted(**how):
        placed.append(how["dir"])
        return make(**how)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lib.data.stored.roomy_folder", lambda: str(tmp_path))
    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    filled()
    assert placed == [str(tmp_path)]
    monkeypatch.setattr("os.posix_fallocate", full, raising=False)
    with pytest.raises(FaceswapError) as caught:
        StoredPictures(1, (1, 1, 1))
    assert str(caught.value).startswith(f"{tmp_path} has no room")
