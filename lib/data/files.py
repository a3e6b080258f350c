"""Face pictures on disk: which there are, and reading one with care."""

import hashlib
import io
import os
import stat
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from lib.align.header import FaceHeader, read_header
from lib.data.container import Container, take_apart
from lib.errors import FaceswapError

FORMATS: Final = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""The kinds of picture that are read: format by the ending of the file's name."""

SMALLEST_EDGE: Final = 32
LARGEST_EDGE: Final = 8192
_LARGEST_FILE = 1 << 28
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# A picture of the largest edge takes half a gigabyte while it is decoded, times as many threads.
_LARGE = 2048
_ONE_LARGE = threading.Lock()


@dataclass(frozen=True)
class FileNote:
    """What a file was when it was read.

    Attributes
    ----------
    size
        In bytes.
    modified
        When it was last written to, in nanoseconds.
    digest
        Hash of its bytes; the same for files that are the same.
    """

    size: int
    modified: int
    digest: bytes


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
            is_folder = {entry.name: _is_folder(entry) for entry in entries}
    except FileNotFoundError:
        raise FaceswapError(f"'{folder}' does not exist: name a folder of face pictures") from None
    except NotADirectoryError:
        raise FaceswapError(f"{folder} is a file: name the folder that holds it") from None
    except OSError as error:
        raise FaceswapError(f"{folder} cannot be read: {error.strerror or error}") from error
    names = sorted(name for name in is_folder if not name.startswith("."))
    images = [name for name in names if _kind(name) and not is_folder[name]]
    if not images:
        kinds, inner = ", ".join(FORMATS), [name for name in names if name.startswith("person_")]
        name_one = f", or name a folder within it, such as '{inner[0]}'" if inner else ""
        raise FaceswapError(
            f"{folder} holds no picture: put face pictures ({kinds}) there{name_one}"
        )
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
    return decode_face(path, read_file(path)[0])


def read_file(path: str) -> tuple[bytes, FileNote]:
    """Read the bytes of a file, and note what it was.

    Raises
    ------
    FaceswapError
        With a short reason, without the path: it cannot be read, or is no regular file or larger
        than 256 MiB.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for its writer
            raise FaceswapError("is not a regular file")
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size > _LARGEST_FILE:
                raise FaceswapError(f"is larger than {_LARGEST_FILE >> 20} MiB")
            data = file.read(status.st_size)
    except OSError as error:
        raise FaceswapError(f"cannot be read: {error.strerror or error}") from error
    digest = hashlib.blake2b(data, digest_size=16).digest()
    return data, FileNote(status.st_size, status.st_mtime_ns, digest)


def decode_face(path: str, data: bytes) -> RawFace:
    """Decode the bytes of a file; path, result and errors as in `read_face`."""
    container = take_apart(data)
    _check(container, path)
    header = read_header(data)
    try:
        with _ONE_LARGE if container.width > _LARGE else nullcontext():
            return RawFace(_decode(container), header)
    except FaceswapError:
        raise
    except UnidentifiedImageError:
        raise FaceswapError(f"is damaged: no {container.kind} decoder takes it") from None
    except MemoryError:
        raise FaceswapError("takes more memory than there is") from None
    except Exception as error:  # a picture's damage shows in whatever way the decoder stumbles
        raise FaceswapError(f"is damaged: {error}") from error


def _kind(path: str) -> str | None:
    return FORMATS.get(os.path.splitext(path)[1].lower())


def _check(container: Container, path: str) -> None:
    width, height = container.width, container.height
    if container.kind != _kind(path):
        raise FaceswapError(f"holds a {container.kind} picture, which its name does not say")
    if width != height:
        raise FaceswapError(f"is not square ({width} x {height})")
    if not SMALLEST_EDGE <= width <= LARGEST_EDGE:
        raise FaceswapError(f"is {width} px wide, outside {SMALLEST_EDGE} to {LARGEST_EDGE} px")


def _decode(container: Container) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(container.data), formats=[container.kind]) as picture:
        if picture.size != (container.width, container.height):
            raise FaceswapError("is damaged: it tells two sizes")
        if picture.mode == "I;16":
            grey = (np.asarray(picture) >> 8).astype(np.uint8)
            return np.repeat(grey[..., None], 3, axis=2)
        pixels = np.asarray(_as_rgb(picture, container.orientation))
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)


def _as_rgb(picture: Image.Image, orientation: int) -> Image.Image:
    if picture.mode not in _MODES:
        raise FaceswapError(f"has {picture.mode} colours: save it as RGB")
    if picture.mode == "P":  # its transparency may be a table, which RGBA alone can take up
        picture = picture.convert("RGBA")
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    return picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture
