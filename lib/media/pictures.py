"""Pictures as frames: a folder of them, or one."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from lib.errors import FaceswapError
from lib.media.frame import Frame

PICTURES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Suffixes of pictures, in small letters."""

_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    UnidentifiedImageError,
    Image.DecompressionBombError,
)
_OF_RGB = ("RGB", "RGBA", "P")
_log = logging.getLogger(__name__)


class PictureSource:
    """A folder of pictures, in the order of their names, or a single picture.

    Numbers in names count as numbers: ``2.png`` comes before ``10.png``. Other files and folders
    are left out, and so are files whose names begin with a dot.

    Parameters
    ----------
    path
        The folder or the picture.

    Raises
    ------
    FaceswapError
        The folder can't be read or has no picture in it, or none of them can be read.
    """

    is_video = False
    video = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = _pictures_of(path) if path.is_dir() else [path]
        if not self.files:
            raise FaceswapError(
                f"no pictures in '{path}': files of {', '.join(sorted(PICTURES))} are looked for"
            )
        self.count = len(self.files)
        self.size = self._first_size()

    def name(self, index: int) -> str:
        """Name of a picture's file."""
        return self.files[index].name

    def frames(self, start: int = 0, every: int = 1) -> Iterator[Frame]:
        """Read the pictures of the numbers start, start + every and so on.

        One that can't be read is named in a warning and passed over; it keeps its number. Of one
        that holds several, as a TIFF or a moving WebP may, the first is taken; the first such file
        is named in a warning.
        """
        is_told = False
        for index in range(start, len(self.files), every):
            try:
                picture = read_picture(self.files[index])
            except FaceswapError as error:
                _log.warning("%s; passed over", error)
                continue
            if picture.pages > 1 and not is_told:
                is_told = True
                _log.warning(
                    "'%s' holds %d pictures: the first alone is taken, as in all such files",
                    self.files[index],
                    picture.pages,
                )
            yield Frame(index, self.name(index), picture.image, profile=picture.profile)

    def _first_size(self) -> tuple[int, int]:
        error = None
        for file in self.files:
            try:
                height, width = read_picture(file).image.shape[:2]
            except FaceswapError as unreadable:
                error = error or unreadable
                continue
            return height, width
        assert error is not None
        if self.path.is_dir():
            raise FaceswapError(f"no picture in '{self.path}' can be read; the first: {error}")
        raise error


class Picture(NamedTuple):
    """What a file holds.

    Attributes
    ----------
    image
        ``(height, width, 3)``, BGR.
    profile
        ICC profile of its colours, if it has one and they are RGB in the file, too.
    pages
        Pictures that the file holds, of which this is the first.
    """

    image: NDArray[np.uint8]
    profile: bytes | None
    pages: int


def read_picture(path: Path) -> Picture:
    """Read a picture as a viewer shows it.

    Turned as its EXIF says; of 16 bits the upper 8 are taken; transparency is left out.

    Raises
    ------
    FaceswapError
        It can't be read.
    """
    try:
        with Image.open(path) as picture:
            picture.load()
            rgb = _as_rgb(ImageOps.exif_transpose(picture))
            profile = picture.info.get("icc_profile") if picture.mode in _OF_RGB else None
            # The second picture of a phone's JPEG is a map of depths or the like.
            pages = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
    except _UNREADABLE as error:
        raise FaceswapError(f"'{path}' can't be read as a picture: {error}") from error
    return Picture(np.ascontiguousarray(np.asarray(rgb)[..., ::-1]), profile or None, pages)


def _as_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        grey = np.clip(np.asarray(picture).astype(np.int64), 0, 65535) >> 8
        picture = Image.fromarray(grey.astype(np.uint8))
    if picture.mode == "P":  # its transparency may be in the palette
        picture = picture.convert("RGBA")
    return picture.convert("RGB")


def _pictures_of(folder: Path) -> list[Path]:
    try:
        files = [file for file in folder.iterdir() if file.suffix.lower() in PICTURES]
    except OSError as error:
        raise FaceswapError(f"can't read folder '{folder}': {error.strerror}") from error
    shown = [file for file in files if file.is_file() and not file.name.startswith(".")]
    return sorted(shown, key=lambda file: _natural(file.name))


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Key by which ``2.png`` comes before ``10.png``; the name itself where that leaves a tie."""
    pieces = re.split(r"([0-9]+)", name.lower())
    key = [(int(piece), "") if at % 2 else (0, piece) for at, piece in enumerate(pieces)]
    return key, name
