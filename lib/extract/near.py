"""Finds faces again whose places are known, at a small part of the cost of a whole frame."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.extract.face import Detection

Pixels = NDArray[np.uint8]
Detect = Callable[[Pixels], Sequence[Detection]]

_AROUND = 3.0
"""Edge of the window that is searched, over that of the face."""
_LEAST = 128
"""Edge in pixels that the window is brought to, at least."""
_MOVED = 0.75
"""How far the middle of a face may have moved, in widths of its box."""
_BOX = 1.08
"""Edge of the box that BlazeFace gives, over that of the landmarks; on average."""


def about(landmarks: NDArray[np.float64], score: float = 1.0) -> Detection:
    """Where a face is whose landmarks are known, as a detector would tell.

    Parameters
    ----------
    landmarks
        ``(68, 2)``, in iBUG order.
    score
        How sure it is, 0..1.
    """
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    edge = float((high - low).max()) * _BOX
    x, y = ((low + high - edge) / 2).tolist()
    eyes = np.stack([landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)])
    return Detection((x, y, edge, edge), score, eyes, is_followed=True)


def detect_near(
    detect: Detect, image: Pixels, box: Sequence[float], smallest: int
) -> Detection | None:
    """Find a face near to where it was.

    Parameters
    ----------
    detect
        Finds faces.
    image
        The frame, ``(height, width, 3)``.
    box
        x, y, width and height of the face in a frame right before or after, in pixels.
    smallest
        Width in pixels of the smallest face that the detector gives.

    Returns
    -------
    Detection or None
        In pixels of the frame; None where there is none.
    """
    x, y, w, h = box
    middle = np.array([x + w / 2, y + h / 2])
    edge = max(round(_AROUND * max(w, h)), 1)
    corner = np.rint(middle - edge / 2).astype(int)
    scale = max(_LEAST, round(2 * _AROUND * smallest)) / edge
    found = (_back(each, corner, scale) for each in detect(_cut(image, corner, edge, scale)))
    near = [each for each in found if np.abs(_middle(each) - middle).max() < _MOVED * max(w, h)]
    return max(near, key=lambda each: each.score, default=None)


def _cut(image: Pixels, corner: NDArray[np.int_], edge: int, scale: float) -> Pixels:
    """Cut a square out, black where the frame ends, and bring it to another size."""
    low, high = np.clip(corner, 0, None), np.clip(corner + edge, 0, image.shape[1::-1])
    if (high <= low).any():
        return np.zeros((_LEAST, _LEAST, 3), np.uint8)
    (left, top), (right, bottom) = (low - corner).tolist(), (corner + edge - high).tolist()
    inside = image[low[1] : high[1], low[0] : high[0]]
    window = cv2.copyMakeBorder(inside, top, bottom, left, right, cv2.BORDER_CONSTANT)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    size = round(edge * scale)
    return np.asarray(cv2.resize(window, (size, size), interpolation=how), np.uint8)


def _back(detection: Detection, corner: NDArray[np.int_], scale: float) -> Detection:
    """Bring a detection from pixels of the window to those of the frame."""
    x, y = ((np.array(detection.box[:2]) + 0.5) / scale - 0.5 + corner).tolist()
    w, h = (value / scale for value in detection.box[2:])
    eyes = detection.eyes
    eyes = None if eyes is None else (eyes + 0.5) / scale - 0.5 + corner
    return replace(detection, box=(x, y, w, h), eyes=eyes)


def _middle(detection: Detection) -> NDArray[np.float64]:
    x, y, w, h = detection.box
    return np.array([x + w / 2, y + h / 2])
