"""The members of a ``.keras`` file, checked to be those that Keras writes and nothing else.

Keras writes a plain zip archive: three members, stored as they are, no comment. All sizes are then
bounded by the file's own, and no member's name is one to unpack anywhere.
"""

import io
import json
import os
import stat
import struct
import zipfile
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

CONFIG: Final = "config.json"
WEIGHTS: Final = "model.weights.h5"
MOST_BYTES: Final = {"metadata.json": 1 << 16, CONFIG: 1 << 23, WEIGHTS: 1 << 48}
"""The members, and the most bytes of each. A layer takes about two thousand in the configuration;
the weights are bounded by the file's size alone."""

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_MOST_DIRECTORY = 1 << 12


class UnsafeError(ValueError):
    """A file holds what Keras would not have written there, and what may do harm."""


class Window(io.RawIOBase):
    """A part of a file, to be read as if it were a file.

    Parameters
    ----------
    file
        The file, open.
    start
        Where the part begins, bytes.
    size
        Its length, bytes.
    """

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._start = start
        self._at = 0
        self.size = size

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Where the next byte is read, from the start of the part."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, as in a file."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the part goes; the number of bytes read."""
        view = memoryview(buffer).cast("B")[: max(self.size - self._at, 0)]
        self._file.seek(self._start + self._at)
        read = self._file.readinto(view)  # type: ignore[attr-defined]
        self._at += read
        return int(read)


@dataclass(frozen=True)
class Members:
    """What a ``.keras`` file holds.

    Attributes
    ----------
    config
        The configuration of the model, parsed.
    weights
        The HDF5 file of the weights.
    """

    config: Any
    weights: Window


def read_members(file: BinaryIO) -> Members:
    """Look through an archive.

    Parameters
    ----------
    file
        The archive, open.

    Returns
    -------
    Members

    Raises
    ------
    UnsafeError
        It is an archive, but not of the kind that Keras writes.
    ValueError, zipfile.BadZipFile
        It is damaged.
    """
    size = _check_end(file)
    with zipfile.ZipFile(file) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if members.keys() != MOST_BYTES.keys() or len(archive.infolist()) != len(MOST_BYTES):
            names = [info.filename for info in archive.infolist()]
            raise UnsafeError(f"it holds {str(names)[:200]}, not {', '.join(MOST_BYTES)}")
        for info in members.values():
            _check_member(info)
        if sum(info.file_size for info in members.values()) > size:
            raise ValueError("its members are larger than itself")
        config = json.loads(archive.read(CONFIG))
    return Members(config, _window(file, members[WEIGHTS]))


def _check_end(file: BinaryIO) -> int:
    """Read the end record before `zipfile` reads a directory of any size into memory."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _END_64.size - _LOCATOR_64.size - _END.size, 0))
    tail = file.read()
    if len(tail) < _END.size or not tail[-_END.size :].startswith(b"PK\5\6"):
        raise ValueError("it is no whole .keras archive")
    _, _, _, _, count, directory, *_ = _END.unpack(tail[-_END.size :])
    counts = [(count, directory)]
    if tail[-_END.size - _LOCATOR_64.size :].startswith(b"PK\6\7"):
        *_, count, directory, _ = _END_64.unpack(tail[: _END_64.size])
        counts.append((count, directory))
    for count, directory in counts:
        if count != len(MOST_BYTES) or directory > _MOST_DIRECTORY:
            raise UnsafeError(
                f"it holds {count} members in a directory of {directory} bytes, "
                f"not {', '.join(MOST_BYTES)}"
            )
    return size


def _check_member(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise UnsafeError(f"its {info.filename} is a link or no file")
    if info.flag_bits & 1:
        raise UnsafeError(f"its {info.filename} is encrypted")
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise UnsafeError(f"its {info.filename} is compressed")
    if info.file_size > MOST_BYTES[info.filename]:
        raise UnsafeError(
            f"its {info.filename} is of {info.file_size} bytes, "
            f"more than {MOST_BYTES[info.filename]}"
        )


def _window(file: BinaryIO, info: zipfile.ZipInfo) -> Window:
    file.seek(info.header_offset)
    header = file.read(30)
    if len(header) < 30 or not header.startswith(b"PK\3\4"):
        raise ValueError(f"its {info.filename} has no header")
    name, extra = struct.unpack("<2H", header[26:])
    return Window(file, info.header_offset + 30 + name + extra, info.file_size)
