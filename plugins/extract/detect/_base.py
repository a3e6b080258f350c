"""What every detector is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lib.extract.face import Detection


class DetectBase(ABC):
    """Finds faces. A plugin's file defines a class ``Detect`` that inherits from this one.

    Parameters
    ----------
    smallest
        Width in pixels of the smallest face worth finding.
    """

    def __init__(self, smallest: int = 24) -> None:
        self.smallest = smallest

    @abstractmethod
    def __call__(self, image: NDArray[np.uint8]) -> Sequence[Detection]:
        """Find the faces of a frame.

        Parameters
        ----------
        image
            ``(height, width, 3)``, BGR, of any size.

        Returns
        -------
        Sequence[Detection]
            The surest first; the same face only once.
        """
