"""What the model takes for the face."""

import numpy as np

from lib.convert.swap import Floats, Swap
from lib.errors import FaceswapError
from plugins.convert.mask._base import MaskBase


class Mask(MaskBase):
    """The mask that the model has learnt."""

    def __call__(self, swap: Swap) -> Floats:
        """See `MaskBase`."""
        if swap.predicted_mask is None:
            raise FaceswapError(
                "mask 'predicted': this model has learnt none; take 'extended', or train a model "
                "with learn_mask = True"
            )
        return np.clip(swap.predicted_mask, 0, 1)
