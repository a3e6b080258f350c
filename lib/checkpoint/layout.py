"""Where in a ``.keras`` file each value of a model goes, and the writing of such a file.

Keras' writer makes the whole file in memory first. But all that it writes besides the values is the
same in each save of a run. So Keras writes a file once, of values that tell which one they are;
their places are looked up, and what lies between them is kept.
"""

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import localtime
from typing import Any, Final

import h5py
import numpy as np
import torch
from torch import Tensor

from lib.checkpoint.archive import CONFIG, WEIGHTS
from lib.checkpoint.held import PIECE, Held, as_bytes

_METADATA: Final = "metadata.json"
_INTEGERS: Final = {2: torch.int16, 4: torch.int32, 8: torch.int64}
_FIRST: Final = {2: 0x0400, 4: 0x3F80_0000, 8: 0x3FF0_0000_0000_0000}
_ROOM: Final = {2: 30_000, 4: 1 << 22, 8: 1 << 22}
_STEP: Final = 7919


class UnclearError(Exception):
    """Keras does not write each value as it is, once, so there is no `Layout`."""


def marked(values: Sequence[Tensor]) -> list[Tensor]:
    """Tensors that take no memory, and tell in a file which ones they are.

    Parameters
    ----------
    values
        For their shapes and types alone; they may lie on the meta device.

    Returns
    -------
    list of Tensor
        For each value one of its shape and type. It is of one number all over, its mark, which is
        finite, and which no arithmetic makes of another mark but by a rare chance.

    Raises
    ------
    UnclearError
        There are more values than marks of a type, or a type has too few for any.
    """
    made = []
    for number, value in enumerate(values):
        size = value.element_size()
        if number >= _ROOM.get(size, 0):
            raise UnclearError(f"no mark for value {number}, of {value.dtype}")
        bits = _FIRST[size] + (number + 1) * _STEP % _ROOM[size]
        mark = torch.tensor(bits, dtype=_INTEGERS[size]).view(value.dtype)
        made.append(mark.expand(value.shape))
    return made


@dataclass(frozen=True)
class Layout:
    """All of a model's ``.keras`` file but the values.

    Attributes
    ----------
    metadata
        What Keras tells of itself, parsed.
    config
        The configuration of the model, in JSON.
    parts
        The file of the weights: bytes, or the number of the value that goes there.
    size
        Bytes in that file.
    """

    metadata: dict[str, Any]
    config: str
    parts: Sequence[bytes | int]
    size: int

    @classmethod
    def of(cls, folder: Path, values: Sequence[Tensor], config: str) -> "Layout":
        """Look through what Keras wrote of a model whose values are marked.

        Parameters
        ----------
        folder
            What ``save(folder, zipped=False)`` left.
        values
            Each of them is its mark all over.
        config
            The configuration of the model whose values they stand for.

        Raises
        ------
        UnclearError
        """
        metadata = json.loads((folder / _METADATA).read_text())
        parts: list[bytes | int] = []
        places = _places(folder / WEIGHTS, values)
        with (folder / WEIGHTS).open("rb") as file:
            for start, number in places:
                parts += [file.read(start - file.tell()), number]
                file.seek(values[number].nbytes, os.SEEK_CUR)
            parts.append(file.read())
            size = file.tell()
        return cls(metadata, config, parts, size)

    def save(self, path: Path, held: Held) -> None:
        """Write a model file, in one pass.

        Parameters
        ----------
        path
            The ``.keras`` file.
        held
            The values.

        Raises
        ------
        FaceswapError
            One is no number, and that is refused.
        OSError
            The file can't be written.
        """
        held.expect([part for part in self.parts if isinstance(part, int)])
        weights = zipfile.ZipInfo(WEIGHTS, localtime()[:6])
        weights.file_size = self.size
        with path.open("wb") as whole, zipfile.ZipFile(whole, "w") as archive:
            for name, text in ((_METADATA, self._metadata()), (CONFIG, self.config)):
                with archive.open(name, "w") as file:
                    file.write(text.encode())
            with archive.open(weights, "w") as file:
                for part in self.parts:
                    for piece in [part] if isinstance(part, bytes) else held.pieces(part):
                        file.write(piece)
        assert weights.file_size == self.size, "values are not of the sizes that were laid out"

    def _metadata(self) -> str:
        now = datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
        return json.dumps({**self.metadata, "date_saved": now})


def _places(path: Path, values: Sequence[Tensor]) -> list[tuple[int, int]]:
    """Where values begin in an HDF5 file, and their numbers, in the order of the file."""
    numbers = {_first(value): number for number, value in enumerate(values) if value.numel()}
    found: list[tuple[int, int]] = []

    def note(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or not item.size:
            return
        start, size = item.id.get_offset(), item.id.get_storage_size()
        number = numbers.pop(_read(path, start, item.dtype.itemsize), None) if start else None
        if number is None:
            raise UnclearError(f"'{name}' is no value as it is")
        value = values[number]
        if (item.shape, size) != (tuple(value.shape), value.nbytes) or not _is_all(
            path, start, value
        ):
            raise UnclearError(f"'{name}' is not all of value {number}")
        found.append((start, number))

    with h5py.File(path) as file:
        file.visititems(note)
    return sorted(found)


def _first(value: Tensor) -> bytes:
    return as_bytes(value.flatten()[0]).tobytes()


def _read(path: Path, start: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)


def _is_all(path: Path, start: int, value: Tensor) -> bool:
    """Whether a part of a file holds a value's mark all over."""
    mark = np.frombuffer(_first(value), f"i{value.element_size()}")
    size = value.nbytes
    return all(
        (np.frombuffer(_read(path, start + at, min(PIECE, size - at)), mark.dtype) == mark).all()
        for at in range(0, size, PIECE)
    )
