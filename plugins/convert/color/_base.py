"""What every adjustment of colour is."""

from abc import ABC, abstractmethod

import numpy as np

from lib.convert.swap import Floats, Swap


class ColorBase(ABC):
    """Gives a swapped face the colours of the frame.

    A plugin's file defines a class ``Color`` that inherits from this one. One that has ``Options``
    takes them as its only argument, and None for the defaults.
    """

    @abstractmethod
    def __call__(self, swap: Swap, mask: Floats) -> Floats:
        """Adjust the colours of a face.

        Parameters
        ----------
        swap
            The face, and the one whose place it takes; both stay as they are.
        mask
            ``(n, n)``, how much each pixel counts, 0..1; not 0 everywhere.

        Returns
        -------
        Floats
            The whole face, ``(n, n, 3)``, BGR, 0..1.
        """


def mean(image: Floats, mask: Floats) -> Floats:
    """``(channels,)`` mean of the pixels of an image ``(n, n, channels)``, weighted by a mask."""
    weights = mask.ravel() / mask.sum()
    means: Floats = weights @ image.reshape(len(weights), -1)
    return means


def deviation(image: Floats, mask: Floats) -> Floats:
    """``(channels,)`` standard deviation; parameters as for `mean`."""
    return np.sqrt(mean(np.square(image - mean(image, mask)), mask))
