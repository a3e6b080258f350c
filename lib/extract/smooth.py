"""Takes the tremble out of landmarks, and leaves their movement in."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lib.extract.face import Face
from lib.media.frame import Frame

Floats = NDArray[np.float64]
Found = tuple[Frame, list[Face]]

LAG: Final = 2
"""Frames that have to be known after a frame."""
_STEADY = 0.007
"""A point's tremble, in distances of the eyes' outer corners; standard deviation."""


class Smoother:
    """Smooths the landmarks of faces over the frames before and after.

    A point goes to the middle between where it was before and where it is after, as far as that is
    nearby. So one that moves evenly stays where it is, however fast it moves, and so does one that
    turns back, as lids do in a blink: then that middle is far away.
    """

    def __init__(self) -> None:
        self._frames: deque[Found] = deque(maxlen=2 * LAG + 1)
        self._waiting = 0

    def push(self, frame: Frame, faces: list[Face]) -> list[Found]:
        """Take the next frame, its faces with their people's numbers.

        Returns
        -------
        list of Found
            The frame of `LAG` frames ago, with its faces smoothed; none at the beginning.
        """
        self._frames.append((frame, faces))
        self._waiting += 1
        return [self._take()] if self._waiting > LAG else []

    def flush(self) -> list[Found]:
        """Give the frames that are left, at the end."""
        return [self._take() for _ in range(self._waiting)]

    def _take(self) -> Found:
        at = len(self._frames) - self._waiting
        self._waiting -= 1
        frame, faces = self._frames[at]
        return frame, [self._smooth(face, at) for face in faces]

    def _smooth(self, face: Face, at: int) -> Face:
        middles = []
        for away in range(1, min(at, len(self._frames) - 1 - at) + 1):
            before, after = (self._landmarks(at + way, face.person) for way in (-away, away))
            if before is None or after is None:
                break
            middles.append((before + after) / 2)
        return replace(face, landmarks=smooth(face.landmarks, middles))

    def _landmarks(self, at: int, person: int) -> Floats | None:
        faces = self._frames[at][1]
        return next((face.landmarks for face in faces if face.person == person), None)


def smooth(landmarks: Floats, middles: Sequence[Floats]) -> Floats:
    """Draw landmarks to the middles between what they are before and after.

    Parameters
    ----------
    landmarks
        ``(68, 2)``.
    middles
        For one frame, two frames and so on away: the middle of the landmarks that long before and
        after, ``(68, 2)``.

    Returns
    -------
    Floats
        ``(68, 2)``: a mean, to which each middle adds twice its own weight, which falls with its
        distance in time (1 / 2, 1 / 4 ...) and, as a Gaussian, with its distance from the point.
    """
    eyes = max(float(np.linalg.norm(landmarks[45] - landmarks[36])), 1.0)
    total, weights = landmarks.copy(), np.ones((len(landmarks), 1))
    for away, middle in enumerate(middles, start=1):
        apart = np.linalg.norm(middle - landmarks, axis=1, keepdims=True) / (eyes * _STEADY)
        weight = 2 * 0.5**away * np.exp(-np.square(apart) / 2)
        total += weight * middle
        weights += weight
    return np.asarray(total / weights, np.float64)
