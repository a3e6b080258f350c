"""The colours that the model gave."""

from lib.convert.swap import Floats, Swap
from plugins.convert.color._base import ColorBase


class Color(ColorBase):
    """Leaves the face as it is."""

    def __call__(self, swap: Swap, mask: Floats) -> Floats:
        """See `ColorBase`."""
        return swap.face
