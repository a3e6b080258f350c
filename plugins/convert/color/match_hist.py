"""The histogram of the frame's face."""

import numpy as np
from numpy.typing import NDArray

from lib.convert.swap import Floats, Swap
from plugins.convert.color._base import ColorBase

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


class Color(ColorBase):
    """Bends each channel so that its histogram within the mask is the target's.

    Where the target is much unlike the face, spots stand out: each channel is bent by itself.

    References
    ----------
    R. C. Gonzalez and R. E. Woods, 2018, "Digital Image Processing", 4th edition, section 3.3,
    "Histogram matching (specification)".
    """

    def __call__(self, swap: Swap, mask: Floats) -> Floats:
        """See `ColorBase`."""
        channels = [
            _matched(swap.face[..., channel], swap.target[..., channel], mask)
            for channel in range(3)
        ]
        return np.stack(channels, axis=-1)


def _matched(face: Floats, target: Floats, mask: Floats) -> Floats:
    """One channel of the face, ``(n, n)``."""
    (values, shares), (wanted, wanted_shares) = (_shares(part, mask) for part in (face, target))
    bent = np.interp(shares, wanted_shares, wanted)
    return np.interp(face, values, bent).astype(np.float32)


def _shares(channel: Floats, mask: Floats) -> Curve:
    """The grey levels, 0..1, that occur, and the share of the mask that is at most as bright."""
    levels = np.rint(channel * 255).astype(np.intp)
    weights = np.bincount(levels.ravel(), mask.ravel(), minlength=256)
    there = np.flatnonzero(weights)
    shares = np.cumsum(weights[there])
    return there / 255, shares / shares[-1]
