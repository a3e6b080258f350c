"""Face files, decoded once and cut to what training needs."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.align import masks
from lib.align.geometry import Alignment, sub_crop, transform_points
from lib.align.header import FaceHeader
from lib.data.files import RawFace, read_face
from lib.errors import FaceswapError
from lib.progress import progress

_LARGEST_IN_MEMORY = 256 << 20
_MOST_THREADS = 8
_FACE_MASKS = {"components": masks.components, "extended": masks.extended}


@dataclass(frozen=True)
class Cut:
    """What each face is cut to.

    Attributes
    ----------
    size
        Edge of the result in pixels.
    centring
        'legacy', 'face' or 'head'.
    mask_type
        'components' or 'extended'; None makes the whole picture count as face.
    mask_blur_kernel, mask_threshold
        As in `lib.align.masks.refine`, for the face mask.
    """

    size: int
    centring: str
    mask_type: str | None
    mask_blur_kernel: int
    mask_threshold: int


@dataclass(frozen=True)
class BadFace:
    """A file that could not be used, and a short reason."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{_printable(self.path)} {_printable(self.reason)}"


def _printable(text: str) -> str:
    """Text on one line, whatever a file is called."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


@dataclass(frozen=True, eq=False)
class FaceSet:
    """Faces of one size, ready to train on.

    Attributes
    ----------
    paths
        Where each face came from.
    images
        ``(n, size, size, 3)``, blue first.
    masks
        ``(n, size, size, 3)``, 0 to 255: the planes are face, eyes and mouth.
    landmarks
        ``(n, 68, 2)`` in pixels of `images`; NaN for a face that has none.
    """

    paths: tuple[str, ...]
    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    landmarks: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def size(self) -> int:
        """Edge of the pictures in pixels."""
        return int(self.images.shape[1])

    @property
    def has_landmarks(self) -> NDArray[np.bool_]:
        """``(n,)`` which faces have landmarks."""
        return np.isfinite(self.landmarks[:, 0, 0])

    def subset(self, indices: Sequence[int] | NDArray[np.integer]) -> "FaceSet":
        """Copy of the faces at ``indices``, in that order."""
        chosen = np.asarray(indices, np.intp)
        return FaceSet(
            tuple(self.paths[index] for index in chosen),
            self.images[chosen],
            self.masks[chosen],
            self.landmarks[chosen],
        )


def load_faces(paths: Sequence[str], cut: Cut, label: str) -> tuple[FaceSet, list[BadFace]]:
    """Check, decode and cut the faces of one side in a single pass.

    A file with an alignment is cut to the centring and gets masks drawn from its landmarks. A
    plain picture counts as a crop already: its face mask is full, the others are empty.

    Parameters
    ----------
    paths
        Files of faces.
    cut
        What to cut them to.
    label
        Name of the progress bar, which shows on a terminal only.

    Returns
    -------
    faces : FaceSet
        The good faces in the order of `paths`; there may be none. Large arrays lie in a
        temporary file that goes with the process.
    bad : list[BadFace]
        The files left out.

    Raises
    ------
    FaceswapError
        There is no room for the temporary file.
    """
    shape = (len(paths), cut.size, cut.size, 3)
    images, planes = _zeros(shape), _zeros(shape)
    landmarks = np.full((len(paths), 68, 2), np.nan, np.float32)
    good: list[str] = []
    bad: list[BadFace] = []
    with _mapped(partial(_load, cut=cut), paths) as results:
        bar = progress(results, label, len(paths))
        for path, result in zip(paths, bar, strict=True):
            if isinstance(result, str):
                bad.append(BadFace(path, result))
                continue
            images[len(good)], planes[len(good)], landmarks[len(good)] = result
            good.append(path)
    count = len(good)
    return FaceSet(tuple(good), images[:count], planes[:count], landmarks[:count]), bad


_Loaded = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64] | float]


@contextmanager
def _mapped(
    load: Callable[[str], _Loaded | str], paths: Sequence[str]
) -> Iterator[Iterator[_Loaded | str]]:
    """Results in order from a pool of threads; an interruption drops the files still waiting."""
    pool = ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS))
    try:
        yield pool.map(load, paths)
    finally:
        pool.shutdown(cancel_futures=True)


def _load(path: str, cut: Cut) -> _Loaded | str:
    """Image, masks and landmarks of one face; a text is the reason why it is bad."""
    try:
        return cut_face(read_face(path), cut)
    except FaceswapError as error:
        return str(error)


def cut_face(face: RawFace, cut: Cut) -> _Loaded:
    """Cut one face.

    Parameters
    ----------
    face
        A face as its file holds it.
    cut
        What to cut it to.

    Returns
    -------
    tuple
        Image and masks, ``(size, size, 3)``, and landmarks ``(68, 2)``, NaN where there are none.

    Raises
    ------
    FaceswapError
        The landmarks form no face, or put it outside the picture.
    """
    if face.header is None:
        return _plain(face.image, cut)
    return _aligned(face, face.header, cut)


def _plain(image: NDArray[np.uint8], cut: Cut) -> _Loaded:
    planes = np.zeros((cut.size, cut.size, 3), np.uint8)
    planes[..., 0] = 255
    return _resize(image, cut.size), planes, np.nan


def _aligned(face: RawFace, header: FaceHeader, cut: Cut) -> _Loaded:
    alignment = Alignment(header.landmarks)
    stored = face.image.shape[0]
    x, y, edge = sub_crop(alignment, stored, header.centring, cut.centring)
    if min(x, y) <= -edge or max(x, y) >= stored:
        raise FaceswapError("has landmarks that put the face outside the picture")
    in_stored = transform_points(header.landmarks, alignment.matrix(stored, header.centring))
    # Half a pixel leads from pixel middles to edges, where sizes are in proportion, and back.
    landmarks = (in_stored - (x, y) + 0.5) * (cut.size / edge) - 0.5
    image = _resize(_window(face.image, x, y, edge), cut.size)
    return image, _draw_masks(landmarks, cut), landmarks


def _window(image: NDArray[np.uint8], x: int, y: int, edge: int) -> NDArray[np.uint8]:
    """Square of a picture; black where it reaches outside."""
    inside = image[max(y, 0) : y + edge, max(x, 0) : x + edge]
    if inside.shape[:2] == (edge, edge):
        return inside
    left, top = max(-x, 0), max(-y, 0)
    window = np.zeros((edge, edge, 3), np.uint8)
    window[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return window


def _resize(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    if image.shape[0] == size:
        return image
    how = cv2.INTER_AREA if size < image.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size, size), interpolation=how), np.uint8)


def _draw_masks(landmarks: NDArray[np.float64], cut: Cut) -> NDArray[np.uint8]:
    if cut.mask_type is None:
        face = np.full((cut.size, cut.size), 255, np.uint8)
    else:
        drawn = _FACE_MASKS[cut.mask_type](landmarks, cut.size)
        face = masks.refine(drawn, cut.mask_blur_kernel, cut.mask_threshold)
    eyes, mouth = masks.eyes(landmarks, cut.size), masks.mouth(landmarks, cut.size)
    return np.stack([face, eyes, mouth], axis=-1)


def _zeros(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Zeros in memory or, where they are large, in a file without a name."""
    count = int(np.prod(shape))
    if count <= _LARGEST_IN_MEMORY:
        return np.zeros(shape, np.uint8)
    try:
        with tempfile.TemporaryFile() as file:
            if hasattr(os, "posix_fallocate"):  # a full disk is told now, not by a crash later
                os.posix_fallocate(file.fileno(), 0, count)
            return np.asarray(np.memmap(file, np.uint8, "w+", shape=shape))
    except OSError as error:
        raise FaceswapError(
            f"{tempfile.gettempdir()} has no room for {count >> 20} MiB of faces: "
            f"{error.strerror or error}; free some, or name another folder in TMPDIR"
        ) from error
