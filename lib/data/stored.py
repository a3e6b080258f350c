"""Pictures kept in a file and read as they are asked for, so that they take no memory."""

import os
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from typing import Any, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lib.errors import FaceswapError
from lib.files import roomy_folder

Pixels = NDArray[np.uint8]
Rows = Sequence[int] | NDArray[np.integer[Any]] | slice


class _File:
    """A file without a name, that is closed when nothing refers to it."""

    def __init__(self, size: int) -> None:
        try:
            with tempfile.TemporaryFile(dir=roomy_folder()) as file:
                if hasattr(os, "posix_fallocate"):  # a full disk is told now, not after an hour
                    os.posix_fallocate(file.fileno(), 0, size)
                self.number = os.dup(file.fileno())
        except OSError as error:
            raise _no_room(size, error) from error
        weakref.finalize(self, os.close, self.number)
        self._file = FileIO(self.number, "r+", closefd=False)
        self._lock = threading.Lock()

    @contextmanager
    def at(self, place: int) -> Iterator[FileIO]:
        """The file at a place, for one thread at a time."""
        with self._lock:
            self._file.seek(place)
            yield self._file


class StoredPictures:
    """Pictures of one size in a file that has no name, and goes with the process.

    A whole number as index gives a picture. Other indices choose some, and read none of them;
    `numpy.asarray` reads all. Threads may read at once.

    Parameters
    ----------
    count
        How many.
    shape
        Of one picture.

    Attributes
    ----------
    shape
        As of an array: the count, then the shape of a picture.

    Raises
    ------
    FaceswapError
        There is no room for the file.
    """

    def __init__(self, count: int, shape: tuple[int, ...]) -> None:
        self.shape = count, *shape
        self._bytes = int(np.prod(shape))
        self._rows = np.arange(count)
        self._file = _File(count * self._bytes)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> Pixels: ...
    @overload
    def __getitem__(self, index: Rows) -> "StoredPictures": ...
    def __getitem__(self, index: int | np.integer[Any] | Rows) -> "Pixels | StoredPictures":
        if isinstance(index, int | np.integer):
            return self._read(int(self._rows[index]))
        chosen = StoredPictures.__new__(StoredPictures)
        chosen.__dict__.update(self.__dict__)
        chosen._rows = self._rows[index]
        chosen.shape = len(chosen._rows), *self.shape[1:]
        return chosen

    def __iter__(self) -> Iterator[Pixels]:
        return (self[index] for index in range(len(self)))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        pictures = np.empty(self.shape, np.uint8)
        for row, picture in enumerate(self):
            pictures[row] = picture
        return pictures.astype(dtype or np.uint8, copy=False)

    def __setitem__(self, index: int, picture: Pixels) -> None:
        """Put a picture into the file.

        Raises
        ------
        FaceswapError
            There is no room.
        """
        left = np.ascontiguousarray(picture).data.cast("B")
        try:
            with self._file.at(int(self._rows[index]) * self._bytes) as file:
                while left:
                    left = left[file.write(left) :]
        except OSError as error:
            raise _no_room(self._bytes, error) from error

    def _read(self, row: int) -> Pixels:
        picture = np.empty(self.shape[1:], np.uint8)
        left = picture.data.cast("B")
        with self._file.at(row * self._bytes) as file:
            while left:
                left = left[file.readinto(left) :]
        return picture


Pictures = Pixels | StoredPictures
"""``(n, edge, edge, channels)``: ``[index]`` is a picture, ``[rows]`` are some."""


def _no_room(size: int, error: OSError) -> FaceswapError:
    return FaceswapError(
        f"{roomy_folder()} has no room for {size >> 20} MiB of faces: "
        f"{error.strerror or error}; free some, or name another folder in TMPDIR"
    )
