"""The face from the chin to above the brows."""

from lib.align.masks import extended
from lib.convert.swap import Floats, Swap
from plugins.convert.mask._base import MaskBase, drawn


class Mask(MaskBase):
    """Hulls of the landmarks of the face's parts, the brows lifted."""

    def __call__(self, swap: Swap) -> Floats:
        """See `MaskBase`."""
        return drawn(extended, swap)
