"""All that the model has made."""

import numpy as np

from lib.convert.swap import Floats, Swap
from plugins.convert.mask._base import MaskBase


class Mask(MaskBase):
    """The whole window."""

    def __call__(self, swap: Swap) -> Floats:
        """See `MaskBase`."""
        return np.ones(swap.face.shape[:2], np.float32)
