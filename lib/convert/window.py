"""The window of a frame that a model sees, as it saw its training pictures."""

from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import Alignment
from lib.align.tables import PADDING_RATIO

Pixels = NDArray[np.uint8]
Matrix = NDArray[np.float64]

# Training pictures are cut out of stored 'head' crops, 512 pixels wide where nothing else is asked
# for. It matters by less than half a pixel of them: pixel middles are laid on pixel edges there.
_STORED = 512
_CORE = _STORED * (1 - PADDING_RATIO["head"])
_FINEST = 4096
"""Edge in pixels, at most, of what the pixels of a window are means of."""
_STEP = 1.25
"""Pixels of the source that one of the result may step over before it has to be a mean of them."""


@dataclass(frozen=True)
class Window:
    """Which part of a face a model sees.

    Attributes
    ----------
    centring
        'legacy', 'face' or 'head'.
    coverage
        Share of the centred crop's edge, above 0 and up to 1.
    """

    centring: str
    coverage: float

    def matrix(self, landmarks: NDArray[np.float64], size: int) -> Matrix:
        """Where the window of a face lies.

        It is what is left of `lib.data.faceset.cut_face` and `lib.data.augment.plain` where
        nothing is rounded to whole pixels on the way, so that it moves as smoothly as the face.

        Parameters
        ----------
        landmarks
            ``(68, 2)`` in pixels of the frame.
        size
            Edge of the window in its own pixels.

        Returns
        -------
        Matrix
            ``(2, 3)``, from pixels of the frame to pixels of the window, as `cv2.warpAffine` takes
            it.

        Raises
        ------
        FaceswapError
            The landmarks form no face.
        """
        alignment = Alignment(landmarks)
        matrix = alignment.matrix(_STORED, "head")
        shift = alignment.offset(self.centring) - alignment.offset("head")
        matrix[:, 2] += 0.5 - _STORED / 2 - shift * _CORE
        edge = _CORE / (1 - PADDING_RATIO[self.centring]) * self.coverage
        matrix *= size / edge
        matrix[:, 2] += size / 2 - 0.5
        return matrix


def cut(image: Pixels, matrix: Matrix, size: int) -> Pixels:
    """Cut a window out of a frame.

    Parameters
    ----------
    image
        ``(height, width, 3)``.
    matrix
        ``(2, 3)``, from pixels of the frame to pixels of the window.
    size
        Edge of the window.

    Returns
    -------
    Pixels
        ``(size, size, 3)``; black where it reaches outside the frame. Made larger by cubic
        interpolation, smaller by area: where it spans more than some 5,000 pixels of the frame,
        not all of them count, so that landmarks far too wide don't take all memory.
    """
    times = min(samples(1 / scale_of(matrix)), max(1, _FINEST // size))
    # Where each pixel is a mean of several, linear ones show the same in a tenth of the time.
    how = cv2.INTER_CUBIC if times == 1 else cv2.INTER_LINEAR
    fine = cv2.warpAffine(image, enlarged(matrix, times), (size * times, size * times), flags=how)
    if times > 1:
        fine = cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(fine, np.uint8)


def samples(step: float) -> int:
    """How many samples a side a pixel is the mean of, so that none of its source is passed over.

    Parameters
    ----------
    step
        Pixels of the source from one pixel to the next.
    """
    return max(1, ceil(step / _STEP))


def inside(matrix: Matrix, size: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where a window shows the frame.

    Parameters
    ----------
    matrix
        ``(2, 3)``, from pixels of the frame to pixels of the window.
    size
        Edge of the window.
    shape
        The frame's.

    Returns
    -------
    NDArray[np.bool_]
        ``(size, size)``; ``(1, 1)`` where all of it is inside.
    """
    corners = _are_inside(matrix, np.array([0.0, size - 1]), shape)
    if corners.all():
        return np.ones((1, 1), np.bool_)
    return _are_inside(matrix, np.arange(float(size)), shape)


def _are_inside(matrix: Matrix, at: Matrix, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether pixels of the window at these columns and rows lie in the frame."""
    grid = np.stack(np.meshgrid(at, at), axis=-1)
    x, y = np.moveaxis(cv2.transform(grid, cv2.invertAffineTransform(matrix)), -1, 0)
    are: NDArray[np.bool_] = (x >= 0) & (y >= 0) & (x <= shape[1] - 1) & (y <= shape[0] - 1)
    return are


def scale_of(matrix: Matrix) -> float:
    """How many pixels a pixel becomes along an edge."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def enlarged(matrix: Matrix, times: float) -> Matrix:
    """The matrix into a picture whose every pixel is cut into ``times`` by ``times``."""
    fine = matrix * times
    # Half a pixel leads from pixel middles to edges, where sizes are in proportion, and back.
    fine[:, 2] += (times - 1) / 2
    return fine
