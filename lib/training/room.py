"""How many faces at a time the device changes: fewer where memory runs out."""

import logging

from lib.memory import half

logger = logging.getLogger(__name__)


class Room:
    """So many faces at a time memory has room for as they are changed.

    All batches of a run share one, those of both sides and those that are made again.

    Parameters
    ----------
    faces
        Of a side in a batch: there is room for all until memory runs out.

    Attributes
    ----------
    faces
        At a time.
    """

    def __init__(self, faces: int) -> None:
        self.faces = faces

    def shrink(self, faces: int) -> None:
        """Make room for half of so many at most from now on, and tell the user.

        Parameters
        ----------
        faces
            How many were too many.

        Raises
        ------
        FaceswapError
            It was one.
        """
        advice = "lower -b, the batch size, or end what else uses memory"
        most = half(faces, "the making of a batch", advice)
        if most < self.faces:  # else what was staged before has been too large as well
            self.faces = most
            logger.warning("Out of memory: faces are now changed %d at a time", most)
