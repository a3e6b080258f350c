"""Where MP4 and GIF files hold an XMP packet.

MP4 and MOV: a box of type ``uuid`` at the top level (`XMP specification, part 3`_, 1.2.2), here the
last of the file. GIF: an application extension before the first picture (1.1.2).

.. _XMP specification, part 3: https://github.com/adobe/XMP-Toolkit-SDK/tree/main/docs
"""

import os
import struct
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_XMP_BOX = uuid.UUID("BE7ACFCB-97A9-42E8-9C71-999491E3AFAC").bytes
_LARGEST = 1 << 24
"""Bytes of the largest packet that is read."""

_GIF_BEGINNING = b"\x21\xff\x0bXMP DataXMP"
# Whatever byte of the packet a reader of blocks lands on, these lead it to the end.
_GIF_END = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"


def is_mp4(path: Path) -> bool:
    """Whether a file begins as MP4 and MOV do."""
    with path.open("rb") as file:
        return file.read(8)[4:] in (b"ftyp", b"moov", b"wide", b"mdat", b"free")


def append_to_mp4(path: Path, packet: bytes) -> None:
    """Append an XMP packet to an MP4 or MOV file.

    Raises
    ------
    OSError
        The file can't be written.
    """
    with path.open("ab") as file:
        file.write(struct.pack(">I4s16s", 24 + len(packet), b"uuid", _XMP_BOX) + packet)


def find_in_mp4(path: Path) -> bytes:
    """Find the last XMP packet of an MP4 or MOV file; it is empty where there is none.

    Raises
    ------
    OSError
        The file can't be read.
    """
    packet = b""
    with path.open("rb") as file:
        for kind, at, length in _boxes(file):
            if kind == b"uuid" and 16 <= length <= _LARGEST:
                file.seek(at)
                content = file.read(length)
                packet = content[16:] if content.startswith(_XMP_BOX) else packet
    return packet


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Type, place and length of the content of each box at the top level."""
    end = file.seek(0, os.SEEK_END)
    at = 0
    while at + 8 <= end:
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if length == 1 and at + 16 <= end:
            length, head = struct.unpack(">Q", file.read(8))[0], 16
        length = length or end - at
        if length < head:
            return  # no box at all: the file is damaged
        yield kind, at + head, length - head
        at += length


def insert_in_gif(data: bytes, packet: bytes) -> bytes:
    """Put an XMP packet into a GIF file, behind the colours that all its pictures share."""
    flags = data[10]
    colours = 3 << ((flags & 7) + 1) if flags & 0x80 else 0
    at = 13 + colours
    # Extensions are of this version only.
    return b"GIF89a" + data[6:at] + _GIF_BEGINNING + packet + _GIF_END + data[at:]


def find_in_gif(path: Path) -> bytes:
    """Find the XMP packet of a GIF file; it is empty where there is none.

    Raises
    ------
    OSError
        The file can't be read.
    """
    with path.open("rb") as file:
        _, _, rest = file.read(_LARGEST).partition(_GIF_BEGINNING)
    return rest.partition(_GIF_END)[0]
