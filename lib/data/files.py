"""Face pictures on disk: which there are, and reading one with care."""

import io
import os
import stat
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from lib.align.header import FaceHeader, read_header
from lib.errors import FaceswapError

FORMATS: Final = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""The kinds of picture that are read: format by the ending of the file's name."""

_FORMATS = tuple(dict.fromkeys(FORMATS.values()))
SMALLEST_EDGE: Final = 32
LARGEST_EDGE: Final = 8192
_LARGEST_FILE = 1 << 28
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


@dataclass(frozen=True, eq=False)
class RawFace:
    """A picture as its file holds it.

    Attributes
    ----------
    image
        ``(size, size, 3)``, blue first.
    header
        The face's alignment; None for a plain picture.
    """

    image: NDArray[np.uint8]
    header: FaceHeader | None


def find_images(folder: str) -> list[str]:
    """List the pictures that lie directly in a folder.

    Parameters
    ----------
    folder
        Path of the folder.

    Returns
    -------
    list[str]
        Absolute paths in the order of their names; hidden files and folders are left out.

    Raises
    ------
    FaceswapError
        The folder is missing, is no folder, cannot be read or holds no picture.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not _is_folder(entry)]
    except FileNotFoundError:
        raise FaceswapError(f"{folder} does not exist: name a folder of face pictures") from None
    except NotADirectoryError:
        raise FaceswapError(f"{folder} is a file: name the folder that holds it") from None
    except OSError as error:
        raise FaceswapError(f"{folder} cannot be read: {error.strerror or error}") from error
    images = sorted(name for name in names if _kind(name) and not name.startswith("."))
    if not images:
        kinds = ", ".join(FORMATS)
        raise FaceswapError(f"{folder} holds no picture: put face pictures ({kinds}) there")
    return [os.path.join(os.path.abspath(folder), name) for name in images]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link to itself, say; reading it tells why it is bad


def read_face(path: str) -> RawFace:
    """Read one picture and the alignment that it carries.

    Everything that a file's first bytes tell is checked before its pixels are decoded.

    Parameters
    ----------
    path
        Path of a .png, .jpg, .jpeg or .webp file.

    Returns
    -------
    RawFace
        The picture as three 8-bit channels: grey is spread over all three, alpha dropped, and of
        16 bits the upper 8 kept.

    Raises
    ------
    FaceswapError
        With a short reason, without the path: the file cannot be read, is damaged, of another
        kind than its name says, animated, not square, too small or too large, or of a colour
        space that is not read.
    """
    data = _read_bytes(path)
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            _check(picture, path)
            header = read_header(data)
            return RawFace(_decode(picture), header)
    except FaceswapError:
        raise
    except UnidentifiedImageError:
        raise FaceswapError("is no PNG, JPEG or WebP picture") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise FaceswapError(f"is larger than {LARGEST_EDGE} px") from None
    except Exception as error:  # a picture's damage shows in whatever way the decoder stumbles
        raise FaceswapError(f"is damaged: {error}") from error


def _kind(path: str) -> str | None:
    return FORMATS.get(os.path.splitext(path)[1].lower())


def _read_bytes(path: str) -> bytes:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise FaceswapError("is not a regular file")
        if status.st_size > _LARGEST_FILE:
            raise FaceswapError(f"is larger than {_LARGEST_FILE >> 20} MiB")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise FaceswapError(f"cannot be read: {error.strerror or error}") from error


def _check(picture: Image.Image, path: str) -> None:
    width, height = picture.size
    if getattr(picture, "is_animated", False):
        raise FaceswapError("holds more than one picture")
    if picture.format != _kind(path):
        raise FaceswapError(f"holds a {picture.format} picture, which its name does not say")
    if width != height:
        raise FaceswapError(f"is not square ({width} x {height})")
    if not SMALLEST_EDGE <= width <= LARGEST_EDGE:
        raise FaceswapError(f"is {width} px wide, outside {SMALLEST_EDGE} to {LARGEST_EDGE} px")


def _decode(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode == "I;16":
        grey = (np.asarray(picture) >> 8).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.mode not in _MODES:
        raise FaceswapError(f"has {picture.mode} colours: save it as RGB")
    if picture.format == "JPEG":
        picture = ImageOps.exif_transpose(picture)
    if picture.mode == "P":  # its transparency may be a table, which RGBA alone can take up
        picture = picture.convert("RGBA")
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    return np.asarray(cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR), np.uint8)
