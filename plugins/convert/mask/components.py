"""The face from the chin to the brows."""

from lib.align.masks import components
from lib.convert.swap import Floats, Swap
from plugins.convert.mask._base import MaskBase, drawn


class Mask(MaskBase):
    """Hulls of the landmarks of the face's parts."""

    def __call__(self, swap: Swap) -> Floats:
        """See `MaskBase`."""
        return drawn(components, swap)
