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
_MOST_OF_PROFILE = 1 << 20
"""Bytes; Pillow opens no PNG with a larger one. Those of cameras and screens take some thousand."""
_PAGES = "holds several pictures, of which the first is taken"
_DEEP = "has more than 8 bits a channel, of which 8 are read"
_SEE_THROUGH = "has transparency, which is left out"
_PROFILE = "has a colour profile that is not of RGB, or over 1 MB, and is left out"
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

        One that can't be read is named in a warning and passed over; it keeps its number. Of those
        of which something is left out, the first is named.
        """
        told: set[str] = set()
        for index in range(start, len(self.files), every):
            try:
                picture = read_picture(self.files[index])
            except FaceswapError as error:
                _log.warning("%s; passed over", error)
                continue
            for what in picture.left_out:
                if what not in told:
                    told.add(what)
                    _log.warning("'%s' %s; others like it are not named", self.files[index], what)
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
        ICC profile of its colours; None where it has none that is kept.
    left_out
        What of the file is not here, in words.
    """

    image: NDArray[np.uint8]
    profile: bytes | None
    left_out: tuple[str, ...]


def read_picture(path: Path) -> Picture:
    """Read a picture as a viewer shows it.

    Turned as its EXIF says; of 16 bits the upper 8 are taken; transparency is left out.

    Raises
    ------
    FaceswapError
        It can't be read.
    """
    if path.exists() and not path.is_file():  # to open a pipe would wait for ever
        raise FaceswapError(f"'{path}' can't be read as a picture: it is no regular file")
    try:
        with Image.open(path) as picture:
            is_deep = _is_deep(picture)
            picture.load()
            rgb = _as_rgb(ImageOps.exif_transpose(picture))
            profile = _profile_of(picture)
            left_out = [_PROFILE] if picture.info.get("icc_profile") and not profile else []
            left_out += [_PAGES] if _has_pages(picture) else []
            left_out += [_DEEP] if is_deep else []
            left_out += [_SEE_THROUGH] if _is_see_through(picture) else []
    except _UNREADABLE as error:
        raise FaceswapError(f"'{path}' can't be read as a picture: {error}") from error
    return Picture(np.ascontiguousarray(np.asarray(rgb)[..., ::-1]), profile, tuple(left_out))


def _profile_of(picture: Image.Image) -> bytes | None:
    """A profile of RGB, as its header (ICC.1, 7.2) says, for a picture that is RGB in the file."""
    profile: bytes = picture.info.get("icc_profile") or b""
    is_of_rgb = profile[16:20] == b"RGB " and profile[36:40] == b"acsp"
    is_kept = is_of_rgb and picture.mode in _OF_RGB and len(profile) <= _MOST_OF_PROFILE
    return profile if is_kept else None


def _has_pages(picture: Image.Image) -> bool:
    if picture.format == "MPO":  # a phone's picture, with a map of depths or the like
        return False
    try:
        return getattr(picture, "n_frames", 1) > 1
    except Exception:  # whatever Pillow makes of damage after the first, which is read
        return True


def _is_deep(picture: Image.Image) -> bool:
    """Whether the file has more than 8 bits a channel; Pillow's mode tells it of grey alone."""
    ways = [tile.args for tile in getattr(picture, "tile", ())]
    raw = {way if isinstance(way, str) else str(way[0]) for way in ways if way}
    of_16 = any(";16" in mode for mode in raw) and picture.format != "BMP"  # 5 a channel there
    return picture.mode.startswith(("I", "F")) or of_16


def _is_see_through(picture: Image.Image) -> bool:
    if not picture.has_transparency_data:
        return False
    return bool(np.asarray(picture.convert("RGBA").getchannel("A")).min() < 255)


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
    shown = [file for file in files if not (file.is_dir() or file.name.startswith("."))]
    return sorted(shown, key=lambda file: _natural(file.name))


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Key by which ``2.png`` comes before ``10.png``; the name itself where that leaves a tie."""
    pieces = re.split(r"([0-9]+)", name.lower())
    key = [(int(piece), "") if at % 2 else (0, piece) for at, piece in enumerate(pieces)]
    return key, name
