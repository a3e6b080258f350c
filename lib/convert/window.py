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
        interpolation, smaller by area.
    """
    times = samples(1 / scale_of(matrix))
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


def scale_of(matrix: Matrix) -> float:
    """How many pixels a pixel becomes along an edge."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def enlarged(matrix: Matrix, times: float) -> Matrix:
    """The matrix into a picture whose every pixel is cut into ``times`` by ``times``."""
    fine = matrix * times
    # Half a pixel leads from pixel middles to edges, where sizes are in proportion, and back.
    fine[:, 2] += (times - 1) / 2
    return fine
