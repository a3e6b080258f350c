"""The HDF5 file of a model's weights, checked before anything in it is read.

HDF5 can link to other files, keep values in other files, unpack a few bytes to terabytes and load
filters from shared libraries. Keras writes none of that: groups, and arrays of numbers that lie
whole and as they are in the file.
"""

import math
from typing import Any, BinaryIO, Final

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o

from lib.checkpoint.archive import UnsafeError

MOST_OBJECTS: Final = 100_000
"""Groups and arrays. A layer has about five, and three more for the optimizer."""

DEEPEST: Final = 64
"""How deep groups may lie in each other."""

_NUMBERS: Final = "biuf"
_BFLOAT16: Final = np.dtype("V2")


def count_values(file: BinaryIO, size: int) -> int:
    """Count the numbers in a file of weights.

    Parameters
    ----------
    file
        The HDF5 file, open.
    size
        Its length, bytes.

    Returns
    -------
    int
        Numbers in all its arrays.

    Raises
    ------
    UnsafeError
        It holds anything but groups and plain arrays, or an object twice; or its arrays are
        larger than itself.
    OSError, RuntimeError, ValueError, KeyError, TypeError
        It is damaged.
    """
    survey = _Survey()
    with h5py.File(file, "r") as root:
        survey.walk(root.id, 0)
    if survey.stored > size:
        raise UnsafeError(f"its weights are of {survey.stored} bytes in a file of {size}")
    return survey.values


class _Survey:
    """Goes through a file. With the low-level interface, in half the time of the other."""

    def __init__(self) -> None:
        self._places: set[int] = set()
        self.stored = 0
        self.values = 0

    def walk(self, group: Any, depth: int) -> None:
        if depth > DEEPEST:
            raise UnsafeError(f"its weights are nested more than {DEEPEST} deep")
        links = group.links
        for name in group:
            if links.get_info(name).type != h5l.TYPE_HARD:
                raise UnsafeError(f"its weights hold a link, {_quoted(name)}")
            found = h5o.open(group, name)
            self._note(found, name)
            if isinstance(found, h5g.GroupID):
                self.walk(found, depth + 1)
            elif isinstance(found, h5d.DatasetID):
                values, stored = _check_array(found, f"its weights {_quoted(name)}")
                self.values += values
                self.stored += stored
            else:
                raise UnsafeError(f"its weights hold {_quoted(name)}, which is no array")

    def _note(self, found: Any, name: bytes) -> None:
        place = h5o.get_info(found).addr
        # Or a few bytes could be read a million times, and groups could lie in themselves.
        if place in self._places:
            raise UnsafeError(f"its weights hold {_quoted(name)} twice")
        self._places.add(place)
        if len(self._places) > MOST_OBJECTS:
            raise UnsafeError(f"its weights hold more than {MOST_OBJECTS} objects")


def _quoted(name: bytes) -> str:
    return repr(name[:80].decode(errors="replace"))


def _check_array(array: Any, what: str) -> tuple[int, int]:
    """Refuse what is no plain array; its numbers and bytes."""
    layout = array.get_create_plist()
    if layout.get_external_count():
        raise UnsafeError(f"{what} lie in another file")
    if layout.get_layout() != h5d.CONTIGUOUS or layout.get_nfilters():
        raise UnsafeError(f"{what} are compressed, in chunks or virtual")
    kind, shape = array.dtype, array.shape
    if kind.kind not in _NUMBERS and kind != _BFLOAT16:
        raise UnsafeError(f"{what} are no numbers")
    values = math.prod(shape or ())
    if shape is None or array.get_storage_size() != values * kind.itemsize:
        raise UnsafeError(f"{what} are more than is stored of them")
    if h5a.get_num_attrs(array):
        _check_attributes(array, what)
    return values, values * kind.itemsize


def _check_attributes(array: Any, what: str) -> None:
    # Keras notes here that numbers are bfloat16, which HDF5 does not know.
    if h5a.get_num_attrs(array) > 1 or not h5a.exists(array, b"dtype"):
        raise UnsafeError(f"{what} have attributes that Keras does not write")
    if h5a.open(array, b"dtype").shape != ():
        raise UnsafeError(f"{what} have a type that Keras does not write")
