"""The mean colour of the frame's face."""

import numpy as np

from lib.convert.swap import Floats, Swap
from plugins.convert.color._base import ColorBase, mean


class Color(ColorBase):
    """Shifts each channel so that its mean within the mask is the target's."""

    def __call__(self, swap: Swap, mask: Floats) -> Floats:
        """See `ColorBase`."""
        shift = mean(swap.target, mask) - mean(swap.face, mask)
        return np.clip(swap.face + shift, 0, 1)
