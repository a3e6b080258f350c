"""A face in a frame: as a detector finds it, and as it is known once it has landmarks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.media.frame import Frame


@dataclass(frozen=True, eq=False)
class Detection:
    """Where a detector has found a face.

    Attributes
    ----------
    box
        x, y, width and height in pixels of the frame; may reach beyond it.
    score
        How sure the detector is, 0..1.
    eyes
        ``(2, 2)``, x and y of both eyes in pixels of the frame, first the one that is at the left
        of the picture where the head is upright; None where the detector does not tell.
    is_followed
        Whether it is where the landmarks were right before, so that an aligner need not look twice.
    """

    box: tuple[float, float, float, float]
    score: float
    eyes: NDArray[np.float64] | None = None
    is_followed: bool = False


@dataclass(frozen=True, eq=False)
class Face:
    """A face with its landmarks.

    Attributes
    ----------
    box
        x, y, width and height of the detected face in whole pixels of the frame.
    landmarks
        ``(68, 2)`` points in iBUG order, x then y, in pixels of the frame, whole numbers in the
        middles of pixels.
    score
        How sure the detector was, 0..1.
    person
        Number of the person whose face it is, from 0: the same in all frames of a source.
    """

    box: tuple[int, int, int, int]
    landmarks: NDArray[np.float64]
    score: float = 1.0
    person: int = 0


Found = tuple[Frame, Sequence[Face]]
"""A frame with its faces."""
