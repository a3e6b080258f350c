"""How the edge of a mask is drawn in and made soft, so that no seam shows."""

from collections.abc import Callable
from math import ceil
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.config.convert import MaskOptions
from lib.convert.swap import Floats


def soften(mask: Floats, options: MaskOptions) -> Floats:
    """Move a mask's edge and make it soft.

    Parameters
    ----------
    mask
        ``(n, n)``, 0..1.
    options
        How far, in per cent of the face's size: the root of the mask's area.

    Returns
    -------
    Floats
        ``(n, n)``, 0..1, and 0 along the window's border: nothing is known beyond it. The mask
        given is left as it is.
    """
    size = float(np.sqrt(mask.sum()))
    moved = _eroded(mask, options.erosion / 100 * size)
    width = options.blur / 100 * size
    radius = ceil(width / 2)
    inside = _cleared(moved, radius + 1)
    if radius:
        kernel = (2 * radius + 1, 2 * radius + 1)
        soft = cv2.GaussianBlur(inside, kernel, width / 4, borderType=cv2.BORDER_CONSTANT)
        inside = np.asarray(soft, np.float32)
    return np.clip(inside, 0, 1)


def _eroded(mask: Floats, distance: float) -> Floats:
    """Move the edge inwards, or outwards where the distance is negative, by parts of a pixel."""
    change = cv2.dilate if distance < 0 else cv2.erode
    whole, part = divmod(abs(distance), 1)
    # The work goes with the square of the distance, and bytes take a third of the time of floats.
    coarse = np.rint(mask * 255).astype(np.uint8)
    near, far = (_moved(coarse, change, int(whole) + more) for more in (0, 1))
    return np.asarray(near + part * (far - near), np.float32)


def _moved(mask: NDArray[np.uint8], change: Callable[..., Any], radius: int) -> Floats:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    moved = change(mask, disc, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(moved, np.float32) * np.float32(1 / 255)


def _cleared(mask: Floats, margin: int) -> Floats:
    """The mask with nothing in a margin along its border."""
    cleared = np.zeros_like(mask)
    inner = slice(margin, -margin)
    cleared[inner, inner] = mask[inner, inner]
    return cleared
