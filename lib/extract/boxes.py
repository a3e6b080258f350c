"""Which boxes are of the same face."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lib.extract.face import Detection

SAME: Final = 0.3
"""Boxes that overlap more than this are of one face."""


def overlaps(box: Sequence[float], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of a box and each of others.

    Parameters
    ----------
    box
        x, y, width and height.
    others
        ``(n, 4)``, likewise.

    Returns
    -------
    NDArray[np.float64]
        ``(n,)``, 0..1.
    """
    x, y, w, h = box
    left = np.maximum(others[:, :2], (x, y))
    right = np.minimum(others[:, :2] + others[:, 2:], (x + w, y + h))
    common = np.prod(np.clip(right - left, 0, None), axis=1)
    union = w * h + np.prod(others[:, 2:], axis=1) - common
    return np.asarray(common / np.maximum(union, 1e-9), np.float64)


def distinct(detections: Sequence[Detection]) -> list[Detection]:
    """Keep each face's surest detection.

    Returns
    -------
    list of Detection
        The surest first.
    """
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda each: -each.score):
        boxes = np.array([each.box for each in kept]).reshape(-1, 4)
        if not (overlaps(detection.box, boxes) > SAME).any():
            kept.append(detection)
    return kept
