"""Faces that lie or are upside down, found by turning the frame."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.extract.boxes import distinct
from lib.extract.face import Detection

Pixels = NDArray[np.uint8]
Detect = Callable[[Pixels], Sequence[Detection]]

TURNS: Final = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
"""OpenCV's number of each turn, by its angle in degrees, clockwise."""


def detect_turned(detect: Detect, image: Pixels) -> list[Detection]:
    """Find faces that are not upright.

    Parameters
    ----------
    detect
        Finds upright faces; it is asked three times.
    image
        The frame, ``(height, width, 3)``.

    Returns
    -------
    list of Detection
        In pixels of the frame, the surest first, each face once: as it is seen best.
    """
    found: list[Detection] = []
    for angle, turn in TURNS.items():
        turned = np.asarray(cv2.rotate(image, turn), np.uint8)
        found += [turn_back(each, angle, image.shape[:2]) for each in detect(turned)]
    return distinct(found)


def turn_back(detection: Detection, angle: int, shape: tuple[int, ...]) -> Detection:
    """Tell where in a frame a face is that was found in the turned frame.

    Parameters
    ----------
    detection
        In pixels of the turned frame, upright there.
    angle
        What the frame was turned by, in degrees, clockwise: 90, 180 or 270.
    shape
        Height and width of the frame before that, in pixels.

    Returns
    -------
    Detection
        In pixels of the frame; its eyes tell how the face lies.
    """
    x, y, w, h = detection.box
    eyes = np.array([[x + w / 3, y], [x + 2 * w / 3, y]])
    eyes = detection.eyes if detection.eyes is not None else eyes
    corners = _back(np.array([[x, y], [x + w, y + h]]), angle, shape)
    left, top = corners.min(axis=0).tolist()
    width, height = np.ptp(corners, axis=0).tolist()
    return replace(detection, box=(left, top, width, height), eyes=_back(eyes, angle, shape))


def _back(points: NDArray[np.float64], angle: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    last_y, last_x = shape[0] - 1, shape[1] - 1
    x, y = points.T
    there = {90: (y, last_y - x), 180: (last_x - x, last_y - y), 270: (last_x - y, x)}[angle]
    return np.stack(there, axis=1)
