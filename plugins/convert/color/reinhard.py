"""The mean and the spread of the colours of the frame's face."""

import cv2
import numpy as np

from lib.convert.swap import Floats, Swap
from plugins.convert.color._base import ColorBase, deviation, mean

_FLAT = 1e-3
"""A spread, in steps of L*, a* or b*, that is none: it is not stretched."""


class Color(ColorBase):
    """Gives L*, a* and b* the mean and the standard deviation that the target has within the mask.

    References
    ----------
    E. Reinhard, M. Ashikhmin, B. Gooch and P. Shirley, 2001, "Color transfer between images", IEEE
    Computer Graphics and Applications 21(5), equations 10 and 11; there in the space l-alpha-beta,
    here in CIE L*a*b*.
    """

    def __call__(self, swap: Swap, mask: Floats) -> Floats:
        """See `ColorBase`."""
        face, target = (_lab(image) for image in (swap.face, swap.target))
        spread = deviation(face, mask)
        stretched = deviation(target, mask) / np.maximum(spread, _FLAT)
        ratio = np.where(spread > _FLAT, stretched, np.float32(1))
        moved = (face - mean(face, mask)) * ratio + mean(target, mask)
        back = cv2.cvtColor(moved, cv2.COLOR_Lab2BGR)
        return np.asarray(np.clip(back, 0, 1), np.float32)


def _lab(image: Floats) -> Floats:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2Lab), np.float32)
