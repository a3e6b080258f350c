"""The face as it is."""

from lib.convert.swap import Floats
from plugins.convert.scaling._base import ScalingBase


class Scaling(ScalingBase):
    """Leaves the face as it is."""

    def __call__(self, face: Floats) -> Floats:
        """See `ScalingBase`."""
        return face
