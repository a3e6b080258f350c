"""The chunks that a PNG file is made of."""

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from lib.errors import FaceswapError

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
"""What every PNG file begins with."""

MOST_CHUNKS: Final = 1 << 16
"""More are refused: a small file could keep a reader busy for minutes with empty ones."""


class Chunk(NamedTuple):
    """One chunk.

    Attributes
    ----------
    kind
        Its name of four letters.
    start
        Where its length field lies in the file.
    length
        Bytes in its body, as the length field says; the file may end before.
    """

    kind: bytes
    start: int
    length: int

    @property
    def end(self) -> int:
        """Where the next chunk begins."""
        return self.start + self.length + 12

    def body(self, data: bytes) -> bytes:
        """What the chunk holds, out of the file's bytes."""
        return data[self.start + 8 : self.end - 4]

    def is_whole(self, data: bytes) -> bool:
        """Whether the checksum is that of the kind and the body, both of which are there."""
        checksum = zlib.crc32(data[self.start + 4 : self.end - 4])
        return data[self.end - 4 : self.end] == checksum.to_bytes(4, "big")


def chunks(data: bytes) -> Iterator[Chunk]:
    """Go through the chunks of a PNG file, up to where it ends.

    Parameters
    ----------
    data
        The file, from its signature on.

    Yields
    ------
    Chunk
        The last one may be cut off.

    Raises
    ------
    FaceswapError
        There are more than `MOST_CHUNKS`.
    """
    position = len(SIGNATURE)
    for _ in range(MOST_CHUNKS):
        if position + 12 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, position)
        yield Chunk(kind, position, length)
        position += 12 + length
    raise FaceswapError(f"is a PNG file of more than {MOST_CHUNKS} chunks")
