"""Picture files are taken apart: what they are, and what never reaches a decoder."""

import io
import struct
import time
import warnings
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from lib.align.png import SIGNATURE
from lib.data.container import MOST_SCANS, take_apart
from lib.data.files import decode_face
from lib.errors import FaceswapError

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
PICTURE = Image.fromarray(PIXELS)
SECRET = b"secret" * 20


def encode(kind: str, picture: Image.Image = PICTURE, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def before_pixels(chunks: bytes) -> bytes:
    data = encode("PNG")
    return data[:33] + chunks + data[33:]


def segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def after_start(segments: bytes) -> bytes:
    data = encode("JPEG")
    return data[:2] + segments + data[2:]


def exif(orientation: int, order: str = ">") -> bytes:
    head = b"MM\0*" if order == ">" else b"II*\0"
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    other = struct.pack(order + "HHII", 0x010F, 2, 4, 0)
    return b"Exif\0\0" + head + struct.pack(order + "IH", 8, 2) + other + entry + bytes(4)


@pytest.mark.parametrize(("width", "height"), [(40, 40), (33, 300), (1, 1), (257, 64)])
def test_kind_and_size_are_told(width: int, height: int) -> None:
    picture = Image.new("RGB", (width, height))
    clear = Image.new("RGBA", (width, height), (9, 9, 9, 9))
    files = {
        "PNG": [encode("PNG", picture), encode("PNG", picture.convert("P"))],
        "JPEG": [encode("JPEG", picture), encode("JPEG", picture, progressive=True)],
        "WEBP": [
            encode("WEBP", picture),
            encode("WEBP", picture, lossless=True),
            encode("WEBP", clear, quality=50, exif=b"Exif\0\0II*\0"),
        ],
    }
    for kind, several in files.items():
        for data in several:
            found = take_apart(data)
            assert (found.kind, found.width, found.height) == (kind, width, height)
            bare, whole = Image.open(io.BytesIO(found.data)), Image.open(io.BytesIO(data))
            assert bare.format == kind
            np.testing.assert_array_equal(np.asarray(bare), np.asarray(whole))


def test_nothing_but_pixels_reaches_the_decoder_of_png_and_jpeg() -> None:
    info = PngInfo()
    info.add_text("note", SECRET.decode())
    info.add_text("packed", SECRET.decode(), zip=True)
    info.add_itxt("faceswap", SECRET.decode())
    png = encode("PNG", pnginfo=info, icc_profile=SECRET, exif=b"Exif\0\0" + SECRET)
    jpeg = encode("JPEG", icc_profile=SECRET, exif=b"Exif\0\0" + SECRET, comment=SECRET)
    assert take_apart(png).data == encode("PNG")
    assert SECRET in jpeg
    assert SECRET not in take_apart(jpeg).data
    assert take_apart(before_pixels(chunk(b"eXIf", SECRET))).data == encode("PNG")
    assert take_apart(encode("PNG") + SECRET).data == encode("PNG")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_turned_as_exif_says(order: str, orientation: int) -> None:
    data = after_start(segment(0xE1, exif(orientation, order)))
    assert take_apart(data).orientation == orientation
    with Image.open(io.BytesIO(data)) as picture:
        turned = np.asarray(ImageOps.exif_transpose(picture))
    np.testing.assert_array_equal(decode_face("a.jpg", data).image[..., ::-1], turned)


@pytest.mark.parametrize(
    "body",
    [
        exif(0),
        exif(9),
        exif(6)[:20],
        exif(6)[:12],
        b"Exif\0\0MM\0*" + struct.pack(">I", 2**32 - 1),
        b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 65535),
        b"Exif\0\0XX\0*" + exif(6)[10:],
        b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>",
        b"",
    ],
)
def test_exif_without_sense_turns_nothing(body: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        face = decode_face("a.jpg", after_start(segment(0xE1, body)))
    np.testing.assert_array_equal(face.image, decode_face("a.jpg", encode("JPEG")).image)


PNG, JPEG, WEBP = encode("PNG"), encode("JPEG"), encode("WEBP")
SCAN = JPEG.index(b"\xff\xda")
FRAME = JPEG.index(b"\xff\xc0")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"GIF89a", "is no PNG, JPEG or WebP picture"),
        (b"RIFF\0\0\0\0WAVE", "is no PNG, JPEG or WebP picture"),
        (PNG[:20], "cut off, or has a wrong checksum"),
        (PNG[:8] + PNG[33:], "one header, and that first"),
        (PNG[:33] + PNG[8:], "one header, and that first"),
        (SIGNATURE + chunk(b"IHDR", bytes(5)), "first bytes are cut off"),
        (PNG[:30] + b"?" + PNG[31:], "wrong checksum"),
        (PNG[:2000], "cut off, or has a wrong checksum"),
        (before_pixels(chunk(b"acTL", bytes(8))), "more than one picture"),
        (JPEG[:10], "a part of it is cut off"),
        (JPEG[:2] + b"\xff\xff\xff", "pixels are missing"),
        (JPEG[:2] + b"\xff\xd9", "pixels are missing"),
        (JPEG[:3] + b"\0" + JPEG[3:], "pixels are missing"),
        (JPEG[:2] + segment(0xE0, b"") + b"rubbish", "pixels are missing"),
        (JPEG[:2] + b"\xff\xe0\0\1", "cut off"),
        (JPEG[:FRAME] + JPEG[SCAN:], "size is missing"),
        (JPEG[:SCAN] + JPEG[FRAME:], "needs one frame"),
        (JPEG[:2] + segment(0xC0, b"abc"), "needs one frame"),
        (WEBP[:25], "first bytes are cut off"),
        (WEBP[:12] + b"XXXX" + WEBP[16:], "pixels are missing"),
        (encode("WEBP", save_all=True, append_images=[PICTURE.rotate(90)]), "more than one"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(FaceswapError, match=reason):
        take_apart(data)


def progressive_bomb() -> bytes:
    """The last scan of a progressive picture over and over: each costs a pass over all pixels."""
    data = encode("JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * 2 * MOST_SCANS + data[-2:]


FLOODS: dict[str, tuple[Callable[[], bytes], str]] = {
    "chunks": (lambda: before_pixels(chunk(b"teXt") * 2_000_000), "more than 65536 chunks"),
    "pixel chunks": (lambda: before_pixels(chunk(b"IDAT") * 2_000_000), "more than 65536 chunks"),
    "segments": (lambda: after_start(segment(0xFE, b"") * 5_000_000), "too many parts"),
    "bare markers": (lambda: after_start(b"\xff\x01" * 5_000_000), "too many parts"),
    "tables": (lambda: after_start(segment(0xDB, b"") * 5_000_000), "too many parts"),
    "filling": (lambda: after_start(b"\xff" * 30_000_000), ""),
    "scans": (progressive_bomb, "more than 64 scans"),
    "profiles": (
        lambda: before_pixels(
            chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(1_000_000), 9)) * 10_000
        ),
        "",
    ),
    "a profile": (
        lambda: before_pixels(chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(99_000_000), 9))),
        "",
    ),
    "a text": (
        lambda: before_pixels(chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(99_000_000), 9))),
        "",
    ),
}


@pytest.mark.parametrize("name", FLOODS)
def test_no_small_file_keeps_the_reader_busy(name: str) -> None:
    make, reason = FLOODS[name]
    data = make()
    # The best of three, for other work on a machine makes this one's time longer.
    assert min(_seconds(data, reason) for _ in range(3)) < 1


def _seconds(data: bytes, reason: str) -> float:
    """What a thread spends on a file that is refused, or read for all that is odd in it."""
    name = "a.png" if data.startswith(SIGNATURE) else "a.jpg"
    begun = time.thread_time()
    if reason:
        with pytest.raises(FaceswapError, match=reason):
            decode_face(name, data)
    else:  # what is passed over does no harm
        decode_face(name, data)
    return time.thread_time() - begun
