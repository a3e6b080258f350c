"""Face files, decoded once and cut to what training needs."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.align import masks, stored_mask
from lib.align.geometry import Alignment, sub_crop, transform_points
from lib.align.header import FaceHeader
from lib.data.files import FileNote, RawFace, decode_face, read_file
from lib.data.stored import Pictures, StoredPictures
from lib.errors import FaceswapError
from lib.printable import printable
from lib.progress import progress

_LARGEST_IN_MEMORY = 256 << 20
_MOST_THREADS = 8
_AHEAD = 4
# In edges of the cut, from its middle: those of turned heads stay within one.
_FURTHEST_LANDMARK = 1.5
_DRAWN = {"components": masks.components, "extended": masks.extended}


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
        'components' or 'extended', which are drawn from the landmarks, or the name of a mask that
        is stored with the faces; None makes the whole picture count as face.
    mask_blur_kernel, mask_threshold
        As in `lib.align.masks.refine`, for the face mask.
    mask_dilation
        As in `lib.align.masks.dilate`, for the face mask, before it is refined.
    """

    size: int
    centring: str
    mask_type: str | None
    mask_blur_kernel: int
    mask_threshold: int
    mask_dilation: float = 0.0


class MissingMaskError(FaceswapError):
    """A face with landmarks lacks the stored mask that is wanted."""


@dataclass(frozen=True)
class BadFace:
    """A file that could not be used, and a short reason."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{printable(self.path)} {printable(self.reason)}"


@dataclass(frozen=True, eq=False)
class FaceSet:
    """Faces of one size, ready to train on.

    Attributes
    ----------
    paths
        Where each face came from.
    images
        ``(n, size, size, 3)``, blue first; many are `lib.data.stored.StoredPictures`.
    masks
        The like, 0 to 255: the planes are face, eyes and mouth.
    landmarks
        ``(n, 68, 2)`` in pixels of `images`; NaN for a face that has none.
    files
        What the files were when they were read; empty for faces that were not loaded from any.
    """

    paths: tuple[str, ...]
    images: Pictures
    masks: Pictures
    landmarks: NDArray[np.float32]
    files: tuple[FileNote, ...] = ()

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
        """The faces at ``indices``, in that order: copies of those in memory."""
        chosen = np.asarray(indices, np.intp)
        return FaceSet(
            tuple(self.paths[index] for index in chosen),
            self.images[chosen],
            self.masks[chosen],
            self.landmarks[chosen],
            tuple(self.files[index] for index in chosen) if self.files else (),
        )

    def part(self, where: slice) -> "FaceSet":
        """Consecutive faces, which share their pictures with this set."""
        arrays = self.images[where], self.masks[where], self.landmarks[where]
        return FaceSet(self.paths[where], *arrays, self.files[where])


def load_faces(paths: Sequence[str], cut: Cut, label: str) -> tuple[FaceSet, list[BadFace]]:
    """Check, decode and cut the faces of one side in a single pass.

    A file with an alignment is cut to the centring and gets its masks. A plain picture counts as a
    crop already: its face mask is full, the others are empty. Of files that are the same to the
    byte the first is taken.

    Parameters
    ----------
    paths
        Files of faces.
    cut
        What to cut them to.
    label
        Name of the faces, in an error and on the progress bar, which shows on a terminal only.

    Returns
    -------
    faces : FaceSet
        The good faces in the order of `paths`; there may be none. Pictures lie in memory, or,
        where they are many, in a temporary file that goes with the process.
    bad : list[BadFace]
        The files left out.

    Raises
    ------
    FaceswapError
        There is no room for the temporary file, or a face with landmarks lacks the stored mask.
    """
    images, planes = (_room(len(paths), (cut.size, cut.size, 3)) for _ in range(2))
    landmarks = np.full((len(paths), 68, 2), np.nan, np.float32)
    good: dict[str, FileNote] = {}
    bad: list[BadFace] = []
    stored: dict[str, frozenset[str]] = {}
    taken: dict[bytes, str] = {}
    with _mapped(partial(_load, cut=cut), paths) as results:
        for path, result in zip(paths, progress(results, label, len(paths)), strict=True):
            if result.masks is not None:
                stored[path] = result.masks
            if result.file is None or isinstance(result.face, str):
                bad.append(BadFace(path, str(result.face)))
            elif twin := taken.get(result.file.digest):
                bad.append(BadFace(path, f"is the same picture as {os.path.basename(twin)}"))
            else:
                at = len(good)
                images[at], planes[at], landmarks[at] = result.face
                good[path], taken[result.file.digest] = result.file, path
    _check_masks(label, cut.mask_type, stored)
    count = len(good)
    files = tuple(good.values())
    return FaceSet(tuple(good), images[:count], planes[:count], landmarks[:count], files), bad


_Loaded = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64] | float]


@dataclass(frozen=True, eq=False)
class _Result:
    """What came of a file.

    Attributes
    ----------
    face
        The face, or the reason why it is bad.
    file
        None for a file that could not be read.
    masks
        Names of the masks stored with it; None for a plain picture, and for a face that is bad for
        more than its masks.
    """

    face: _Loaded | str
    file: FileNote | None = None
    masks: frozenset[str] | None = None


@contextmanager
def _mapped(load: Callable[[str], _Result], paths: Sequence[str]) -> Iterator[Iterator[_Result]]:
    """Results in order from a pool of threads; an interruption drops the files still waiting.

    The threads are but a little ahead, so that faces do not pile up where they are taken slowly.
    """
    threads = min(os.cpu_count() or 1, _MOST_THREADS)
    pool, ahead = ThreadPoolExecutor(threads), deque[Future[_Result]]()

    def results() -> Iterator[_Result]:
        for path in paths:
            ahead.append(pool.submit(load, path))
            if len(ahead) > _AHEAD * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    try:
        yield results()
    finally:
        pool.shutdown(cancel_futures=True)


def _load(path: str, cut: Cut) -> _Result:
    file, names = None, None
    try:
        data, file = read_file(path)
        face = decode_face(path, data)
        names = None if face.header is None else frozenset(face.header.masks)
        return _Result(cut_face(face, cut), file, names)
    except MissingMaskError as error:
        return _Result(str(error), file, names)
    except FaceswapError as error:
        return _Result(str(error))


def _check_masks(label: str, wanted: str | None, stored: dict[str, frozenset[str]]) -> None:
    """Refuse a stored mask that some faces lack, and name those that all of them have."""
    lacking = [path for path, names in stored.items() if wanted not in names]
    if wanted is None or wanted in _DRAWN or not lacking:
        return
    common = sorted(frozenset.intersection(*stored.values()) - _DRAWN.keys())
    raise FaceswapError(
        f"{label}: mask_type = {wanted}: {len(lacking)} of {len(stored)} faces have no such mask, "
        f"such as {printable(lacking[0])}; in all of them there are: "
        f"{printable(', '.join([*_DRAWN, *common]))}"
    )


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
    MissingMaskError
        The face has landmarks, but not the stored mask that is wanted.
    FaceswapError
        The landmarks form no face, or put it outside the picture, or the mask is damaged.
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
    into_cut = alignment.matrix(stored, header.centring)
    # Half a pixel leads from pixel middles to edges, where sizes are in proportion, and back.
    into_cut[:, 2] += (0.5 - x, 0.5 - y)
    into_cut *= cut.size / edge
    into_cut[:, 2] -= 0.5
    landmarks = transform_points(header.landmarks, into_cut)
    if np.abs(landmarks - cut.size / 2).max() > _FURTHEST_LANDMARK * cut.size:
        raise FaceswapError("has landmarks far outside the picture")
    eyes, mouth = masks.eyes(landmarks, cut.size), masks.mouth(landmarks, cut.size)
    planes = np.stack([_face_mask(header, into_cut, cut), eyes, mouth], axis=-1)
    return _resize(_window(face.image, x, y, edge), cut.size), planes, landmarks


def _face_mask(header: FaceHeader, into_cut: NDArray[np.float64], cut: Cut) -> NDArray[np.uint8]:
    """The face mask in the cut, to which a ``(2, 3)`` matrix leads from the source frame."""
    if cut.mask_type is None:
        return np.full((cut.size, cut.size), 255, np.uint8)
    if cut.mask_type in _DRAWN:
        landmarks = transform_points(header.landmarks, into_cut)
        face = _DRAWN[cut.mask_type](landmarks, cut.size)
    elif cut.mask_type in header.masks:
        face = stored_mask.lay(header.masks[cut.mask_type], into_cut, cut.size)
    else:
        raise MissingMaskError(f"has no mask of the name {cut.mask_type}")
    dilated = masks.dilate(face, cut.mask_dilation)
    return masks.refine(dilated, cut.mask_blur_kernel, cut.mask_threshold)


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


def _room(count: int, shape: tuple[int, ...]) -> Pictures:
    """Room for pictures: in memory or, where they are many, in a file."""
    if count * int(np.prod(shape)) <= _LARGEST_IN_MEMORY:
        return np.zeros((count, *shape), np.uint8)
    return StoredPictures(count, shape)
