"""The gradients of the swapped face between the frame's colours."""

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.convert.swap import Floats, Swap
from plugins.convert.color._base import ColorBase

_INSIDE = 0.5
_SMALLEST = 3
"""Pixels across of the smallest part that has an inside to solve for."""


class Color(ColorBase):
    """Solves for the face that meets the target at the mask's outline and keeps its own gradients.

    It is slow, and a feature that crosses the outline, hair say, bleeds its colour into the face.

    References
    ----------
    P. Perez, M. Gangnet and A. Blake, 2003, "Poisson image editing", ACM Transactions on Graphics
    22(3), equation 3.
    """

    def __call__(self, swap: Swap, mask: Floats) -> Floats:
        """See `ColorBase`."""
        inside = _inside(mask)
        x, y, width, height = cv2.boundingRect(inside)
        if min(width, height) < _SMALLEST:
            return swap.face
        middle = (x + width // 2, y + height // 2)
        face, target = (
            np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
            for image in (swap.face, swap.target)
        )
        cloned = cv2.seamlessClone(face, target, inside, middle, cv2.NORMAL_CLONE)
        return np.divide(cloned, 255, dtype=np.float32)


def _inside(mask: Floats) -> NDArray[np.uint8]:
    """255 where the mask is nearly whole, so that what lies about the face does not bleed in.

    Outside, the target is taken as it is; along the border it has to be.
    """
    inside = np.zeros(mask.shape, np.uint8)
    inner = slice(2, -2)
    inside[inner, inner] = np.where(mask[inner, inner] >= _INSIDE, 255, 0)
    return inside
