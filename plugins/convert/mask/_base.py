"""What every mask is."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.convert.swap import Floats, Swap

Draw = Callable[[NDArray[np.floating], int], NDArray[np.uint8]]

_TIMES = 4
"""Pixels that a mask is drawn with along one of its own."""


class MaskBase(ABC):
    """Says which part of a face is swapped.

    A plugin's file defines a class ``Mask`` that inherits from this one. One that has ``Options``
    takes them as its only argument, and None for the defaults.
    """

    @abstractmethod
    def __call__(self, swap: Swap) -> Floats:
        """Say which part of a face is swapped.

        Returns
        -------
        Floats
            ``(n, n)`` in pixels of the window, 0..1; its edge is neither moved nor softened yet.

        Raises
        ------
        FaceswapError
            There is no such mask of this face.
        """


def drawn(draw: Draw, swap: Swap) -> Floats:
    """Draw a mask from landmarks, with steps smoothed away.

    Parameters
    ----------
    draw
        Draws a mask from ``(68, 2)`` landmarks in a picture of a given edge; see `lib.align.masks`.
    swap
        The face.

    Returns
    -------
    Floats
        ``(n, n)``, 0..1: the share of each pixel that is inside.
    """
    size = len(swap.face)
    # Half a pixel leads from pixel middles to edges, where sizes are in proportion, and back.
    fine = draw((swap.landmarks + 0.5) * _TIMES - 0.5, size * _TIMES)
    mask = cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)
    return np.divide(mask, 255, dtype=np.float32)
