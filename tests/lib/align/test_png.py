"""The chunks of PNG files."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lib.align.png import MOST_CHUNKS, SIGNATURE, chunks
from lib.errors import FaceswapError


def make_png() -> bytes:
    info = PngInfo()
    info.add_itxt("note", "text")
    file = io.BytesIO()
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def test_all_chunks_are_told_in_order() -> None:
    data = make_png()
    found = list(chunks(data))
    assert [chunk.kind for chunk in found] == [b"IHDR", b"iTXt", b"IDAT", b"IEND"]
    assert found[0].body(data) == struct.pack(">IIBBBBB", 40, 40, 8, 2, 0, 0, 0)
    assert found[1].body(data) == b"note\0\0\0\0\0text"
    assert len(zlib.decompress(found[2].body(data))) == 40 * (1 + 3 * 40)
    assert found[-1].end == len(data)
    assert all(chunk.is_whole(data) for chunk in found)


def test_damage_and_cuts_show_in_the_chunk_that_they_hit() -> None:
    data = make_png()
    second = list(chunks(data))[1]
    for position in (second.start + 4, second.start + 10, second.end - 1):
        spoilt = bytearray(data)
        spoilt[position] ^= 1
        whole = [chunk.is_whole(bytes(spoilt)) for chunk in chunks(bytes(spoilt))]
        assert whole == [True, False, True, True]
    cut = data[: second.end - 2]
    assert [chunk.is_whole(cut) for chunk in chunks(cut)] == [True, False]
    assert list(chunks(data[:19])) == []


def test_a_flood_of_chunks_is_refused() -> None:
    empty = struct.pack(">I4sI", 0, b"teXt", zlib.crc32(b"teXt"))
    assert len(list(chunks(SIGNATURE + empty * (MOST_CHUNKS - 1)))) == MOST_CHUNKS - 1
    with pytest.raises(FaceswapError, match="more than 65536 chunks"):
        list(chunks(SIGNATURE + empty * (MOST_CHUNKS + 1)))
