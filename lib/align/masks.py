"""Masks drawn from the landmarks of a face, and what is done to a mask before it is used.

Every drawn mask is the union of a few convex hulls of landmarks.  Points are in pixels of the crop
that the mask belongs to; they are rounded to whole pixels before drawing.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

_REFERENCE_SIZE = 128
_FURTHEST_PIXEL = 1 << 15
_NOSE_TO_CHIN = (27, *range(31, 36), 8)
_FACE_PARTS: tuple[tuple[int, ...], ...] = (
    (*range(0, 9), 17),
    (*range(8, 17), 26),
    (*range(17, 20), 8),
    (*range(24, 27), 8),
    (*range(19, 25), 8),
    (*range(17, 22), *_NOSE_TO_CHIN),
    (*range(22, 27), *_NOSE_TO_CHIN),
    (*range(27, 31), *range(31, 36)),
)
_EYES = (tuple(range(36, 42)), tuple(range(42, 48)))
_MOUTH = (tuple(range(48, 60)),)


def components(landmarks: NDArray[np.floating], size: int) -> NDArray[np.uint8]:
    """Mask of the face from the chin to the brows.

    Parameters
    ----------
    landmarks
        ``(68, 2)`` points in iBUG order, in pixels of the crop.
    size
        Edge of the crop in pixels.

    Returns
    -------
    NDArray[np.uint8]
        ``(size, size)``, 255 inside and 0 outside.
    """
    return _fill(landmarks, _FACE_PARTS, size)


def extended(landmarks: NDArray[np.floating], size: int) -> NDArray[np.uint8]:
    """`components` with the brows lifted by half their distance to the eye line."""
    lifted = np.array(landmarks, np.float64)
    left, right = lifted[36:42], lifted[42:48]
    outer_left = (left[0] + (left[0] + lifted[0]) / 2) / 2
    outer_right = (right[3] + (right[3] + lifted[16]) / 2) / 2
    lifted[17:22] += (lifted[17:22] - np.vstack([outer_left, left[:4]])) / 2
    lifted[22:27] += (lifted[22:27] - np.vstack([right[:4], outer_right])) / 2
    return _fill(lifted, _FACE_PARTS, size)


def eyes(landmarks: NDArray[np.floating], size: int) -> NDArray[np.uint8]:
    """Mask of both eyes; parameters and result as in `components`."""
    return _fill(landmarks, _EYES, size)


def mouth(landmarks: NDArray[np.floating], size: int) -> NDArray[np.uint8]:
    """Mask of the mouth with the lips; parameters and result as in `components`."""
    return _fill(landmarks, _MOUTH, size)


def dilate(mask: NDArray[np.uint8], per_cent: float) -> NDArray[np.uint8]:
    """Move the outline of a mask outwards or inwards.

    It comes before `refine`: after a blur it would move the middle of the soft edge by another
    distance. Before or after the threshold it is all the same.

    Parameters
    ----------
    mask
        ``(size, size)``, 0 to 255.
    per_cent
        How far the outline moves, -5 to 5 per cent of the mask's edge, to the nearest whole pixel:
        outwards where it is positive, inwards where negative. The crop's own border stays.

    Returns
    -------
    NDArray[np.uint8]
        A mask of the same shape; the one given is left as it is.
    """
    radius = round(abs(per_cent) / 100 * mask.shape[0])
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    moved = cv2.dilate(mask, disc) if per_cent > 0 else cv2.erode(mask, disc)
    return np.asarray(moved, np.uint8)


def refine(mask: NDArray[np.uint8], blur_kernel: int, threshold: int) -> NDArray[np.uint8]:
    """Clean the ends of a mask's range, then soften its edge.

    Parameters
    ----------
    mask
        ``(size, size)``, 0 to 255.
    blur_kernel
        Edge of the Gaussian kernel for a mask of 128 pixels; it is scaled to this mask's size
        and to the nearest odd number, the larger of two. 0 leaves the edge alone.
    threshold
        0 to 50 per cent. Values below go to 0, those above 100 minus it to 255, and the rest are
        stretched linearly between.

    Returns
    -------
    NDArray[np.uint8]
        A mask of the same shape; the one given is left as it is.
    """
    refined = _stretch(threshold)[mask]
    radius = blur_kernel * mask.shape[0] // (2 * _REFERENCE_SIZE)
    if radius > 0:
        kernel = 2 * radius + 1
        refined = np.asarray(cv2.GaussianBlur(refined, (kernel, kernel), 0), np.uint8)
    return refined


def _stretch(threshold: int) -> NDArray[np.uint8]:
    """Table of the 256 new values; at 50 per cent a step."""
    low = 255 * threshold / 100
    span = max(255 - 2 * low, 1e-6)
    stretched = np.clip((np.arange(256) - low) / span, 0, 1)
    return np.asarray(np.rint(stretched * 255), np.uint8)


def _fill(
    landmarks: NDArray[np.floating], parts: tuple[tuple[int, ...], ...], size: int
) -> NDArray[np.uint8]:
    # Far-off points would overflow the drawing routine's fixed-point numbers.
    limited = np.clip(np.rint(landmarks), -_FURTHEST_PIXEL, _FURTHEST_PIXEL).astype(np.int32)
    mask = np.zeros((size, size), np.uint8)
    for part in parts:
        cv2.fillConvexPoly(mask, cv2.convexHull(limited[list(part)]), 255)
    return mask
