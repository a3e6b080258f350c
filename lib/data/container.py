"""Takes picture files apart, so that a decoder gets pixels and nothing else.

Texts, colour profiles, EXIF and frames of animations are what decoders stumble over, warn of or
unpack without bounds.  They are cut away by plain arithmetic on lengths, and what a file says of
its size is read before anything is decoded.
"""

import re
import struct
from dataclasses import dataclass
from typing import Final, NoReturn

from lib.align.png import SIGNATURE, chunks
from lib.errors import FaceswapError

_PNG_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_MOST_SEGMENTS = 1 << 14
# Progressive pictures have about ten scans, each of which costs a pass over all pixels.
MOST_SCANS: Final = 64
"""The most scans that a JPEG may have."""

_FILL = re.compile(rb"\xff*+")
_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_APPLICATION = {*range(0xE0, 0xF0), 0xFE}
_COLOUR = {0xE0, 0xEE}  # JFIF and Adobe: they tell how the channels are to be read
_BARE = {0x01, *range(0xD0, 0xD8)}  # markers without a length
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Container:
    """A picture file, as far as it can be told without decoding.

    Attributes
    ----------
    kind
        'PNG', 'JPEG' or 'WEBP'.
    width, height
        In pixels, as stored.
    data
        The file without what its pixels do not need.
    orientation
        EXIF's number for how a JPEG is meant to be seen, 2 to 8; any other is as stored.
    """

    kind: str
    width: int
    height: int
    data: bytes
    orientation: int = 1


def take_apart(data: bytes) -> Container:
    """Tell what a file is, and cut away what its pixels do not need.

    Parameters
    ----------
    data
        The whole file.

    Raises
    ------
    FaceswapError
        With a short reason, without the file's path: it is no such picture, damaged, animated, or
        made of so many parts that reading it would take minutes.
    """
    if data.startswith(SIGNATURE):
        return _png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    raise FaceswapError("is no PNG, JPEG or WebP picture" if data else "is empty")


def _png(data: bytes) -> Container:
    parts = [SIGNATURE]
    for chunk in chunks(data):
        if chunk.kind == b"acTL":
            raise FaceswapError("holds more than one picture")
        if (chunk.kind == b"IHDR") != (len(parts) == 1):
            _damaged("a PNG needs one header, and that first")
        if chunk.kind in _PNG_NEEDED:
            if not chunk.is_whole(data):
                _damaged("a part of it is cut off, or has a wrong checksum")
            parts.append(data[chunk.start : chunk.end])
        if chunk.kind == b"IEND":
            break
    if len(parts) == 1 or len(parts[1]) != 25:
        _damaged("its first bytes are cut off")
    width, height = struct.unpack_from(">II", parts[1], 8)
    return Container("PNG", width, height, b"".join(parts))


def _jpeg(data: bytes) -> Container:
    parts, size, orientation, position = [data[:2]], None, 1, 2
    for _ in range(_MOST_SEGMENTS):
        marker, start, end = _segment(data, position)
        if marker in _SIZES:
            if size or end - start < 7:
                _damaged("a JPEG needs one frame")
            size = struct.unpack_from(">HH", data, start + 3)
        if marker == 0xE1:
            orientation = _orientation(data[start + 2 : end]) or orientation
        if marker == 0xDA:
            return _scanned(data, b"".join(parts), position, size, orientation)
        if marker not in _APPLICATION - _COLOUR and marker not in _BARE:
            parts.append(b"\xff" + data[start - 1 : end])
        position = end
    raise FaceswapError("is a JPEG file of too many parts")


def _segment(data: bytes, position: int) -> tuple[int, int, int]:
    """Marker of a segment, where its length field is, and where it ends."""
    filled = _FILL.match(data, position)
    start = filled.end() + 1 if filled else position + 1
    if start - position < 2 or start > len(data) or data[start - 1] in (0, 0xD8, 0xD9):
        _damaged("its pixels are missing")
    marker = data[start - 1]
    if marker in _BARE:
        return marker, start, start
    length = int.from_bytes(data[start : start + 2], "big")
    if length < 2 or start + length > len(data):
        _damaged("a part of it is cut off")
    return marker, start, start + length


def _scanned(
    data: bytes, head: bytes, position: int, size: tuple[int, int] | None, orientation: int
) -> Container:
    """The picture whose first scan begins at a position; ``size`` is height, then width."""
    if size is None:
        _damaged("its size is missing")
    if data.count(b"\xff\xda", position) > MOST_SCANS:
        raise FaceswapError(f"is a JPEG file of more than {MOST_SCANS} scans")
    return Container("JPEG", size[1], size[0], head + data[position:], orientation)


def _orientation(body: bytes) -> int | None:
    """EXIF's orientation out of a JPEG's segment, where it is there."""
    order = {b"Exif\0\0II*\0": "<", b"Exif\0\0MM\0*": ">"}.get(body[:10])
    if order is None:
        return None
    exif = body[6:]
    try:
        (directory,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, directory)
        for entry in range(count):
            place = directory + 2 + 12 * entry
            tag, kind, _, value = struct.unpack_from(order + "HHIH", exif, place)
            if (tag, kind) == (_ORIENTATION, 3):
                return int(value)
    except struct.error:
        pass  # cut off: what EXIF says is no part of the picture
    return None


def _webp(data: bytes) -> Container:
    """Kept whole: its decoder passes over what it does not need."""
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        _damaged("its first bytes are cut off")
    if kind == b"VP8X":
        if body[0] & 2:
            raise FaceswapError("holds more than one picture")
        width, height = (1 + int.from_bytes(body[at : at + 3], "little") for at in (4, 7))
    elif kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width, height = (x & 0x3FFF for x in struct.unpack_from("<HH", body, 6))
    else:
        _damaged("its pixels are missing")
    return Container("WEBP", width, height, data)


def _damaged(why: str) -> NoReturn:
    raise FaceswapError(f"is damaged: {why}")
