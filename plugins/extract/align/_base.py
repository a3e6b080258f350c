"""What every aligner is."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lib.extract.face import Detection


class AlignBase(ABC):
    """Finds landmarks. A plugin's file defines a class ``Align`` that inherits from this one.

    Attributes
    ----------
    tells_faces
        Whether it tells faces from all else so surely that a face of the frame before is looked for
        where it was without asking a detector, which takes longer.
    """

    tells_faces: ClassVar[bool] = False

    @abstractmethod
    def __call__(
        self, image: NDArray[np.uint8], detection: Detection
    ) -> NDArray[np.float64] | None:
        """Find the landmarks of one face.

        Parameters
        ----------
        image
            The frame, ``(height, width, 3)``, BGR.
        detection
            Where the face is.

        Returns
        -------
        NDArray[np.float64] or None
            ``(68, 2)`` in iBUG order, in pixels of the frame; None where there is no face after
            all.
        """
