"""The time-lapse as a film, with the mark of synthetic media."""

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.errors import FaceswapError
from lib.media.embed import insert_in_gif
from lib.media.mark import xmp_packet
from lib.media.palette import paletted

Pixels = NDArray[np.uint8]

FORMATS = {"mp4": "video/mp4", "gif": "image/gif"}
"""Formats, and their media types."""
MOST_FRAMES = {"mp4": 300, "gif": 100}
"""Of a film; of more pictures, every so-manyth is taken."""
EDGES = {"mp4": 1280, "gif": 480}
"""Longer edge in pixels at most."""
FRAMES_PER_SECOND = 10
_LAST_SECONDS = 2


def film(frames: list[Path], kind: str) -> bytes:
    """Make a film of the pictures of a time-lapse; the last one stays for two seconds.

    Parameters
    ----------
    frames
        Files, the oldest first; those that can't be read are left out.
    kind
        One of `FORMATS`.

    Raises
    ------
    FaceswapError
        There are no pictures.
    """
    every = -(-len(frames) // MOST_FRAMES[kind]) or 1
    chosen = frames[::-1][::every][::-1]
    last = next((image for path in chosen[::-1] if (image := _read(path)) is not None), None)
    if last is None:
        raise FaceswapError("there is no time-lapse yet: -tia, -tib and -to of the run write one")
    size = _size(last, EDGES[kind])
    pictures = (_fitted(image, *size) for path in chosen if (image := _read(path)) is not None)
    return _gif(pictures) if kind == "gif" else _mp4(pictures, size, frames[-1])


def _read(path: Path) -> Pixels | None:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return None if image is None else np.asarray(image, np.uint8)


def _size(image: Pixels, edge: int) -> tuple[int, int]:
    """Height and width within an edge; even, as video encoders want them."""
    scale = min(1.0, edge / max(image.shape[:2]))
    height, width = (max(2, round(scale * length / 2) * 2) for length in image.shape[:2])
    return height, width


def _fitted(picture: Pixels, height: int, width: int) -> Pixels:
    """A picture in a size, with borders where its shape is another: runs may have changed it."""
    scale = min(height / picture.shape[0], width / picture.shape[1])
    inner = [max(1, round(scale * length)) for length in picture.shape[:2]]
    whole = np.zeros((height, width, 3), np.uint8)
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    small = cv2.resize(picture, inner[::-1], interpolation=cv2.INTER_AREA)
    whole[top : top + inner[0], left : left + inner[1]] = small
    return whole


def _gif(pictures: Iterator[Pixels]) -> bytes:
    frames = [paletted(picture) for picture in pictures]
    milliseconds = [1000 // FRAMES_PER_SECOND] * len(frames)
    milliseconds[-1] = 1000 * _LAST_SECONDS
    file = BytesIO()
    frames[0].save(
        file, "GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0
    )
    return insert_in_gif(file.getvalue(), xmp_packet())


def _mp4(pictures: Iterator[Pixels], size: tuple[int, int], source: Path) -> bytes:
    # Only here: a page that exports nothing needs no FFmpeg.
    from lib.media.colour import SRGB
    from lib.media.encoder import Encoder, Encoding
    from lib.media.join import join
    from lib.media.pictures import PictureSource

    encoding = Encoding(
        codec="libx264",
        crf=20,
        preset="veryfast",
        pixel_format="yuv420p",
        size=size,
        rate=Fraction(FRAMES_PER_SECOND),
        time_base=Fraction(1, FRAMES_PER_SECOND),
        pixel_aspect=Fraction(1),
        colour=SRGB,
    )
    encoder = Encoder(encoding)
    time = 0
    for picture in pictures:
        encoder.write(picture, time)
        time += 1
    for later in range(_LAST_SECONDS * FRAMES_PER_SECOND):
        encoder.write(picture, time + later)
    with tempfile.TemporaryDirectory() as folder:
        piece, whole = (Path(folder) / name for name in ("piece.nut", "film.mp4"))
        piece.write_bytes(encoder.finish())
        join([piece], whole, PictureSource(source), "mp4", encoding)
        return whole.read_bytes()
