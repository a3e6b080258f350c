"""Swaps the faces of a frame: each by its mask, in the frame's colours, one after the other."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.checked import call_for_floats
from lib.config.convert import MaskOptions
from lib.convert.edge import soften
from lib.convert.lay import lay
from lib.convert.swap import Floats, Swap
from lib.convert.window import inside


@dataclass(frozen=True)
class Composer:
    """Lays swapped faces into their frames.

    Attributes
    ----------
    mask
        Says which part of a face is swapped; see ``plugins.convert.mask``.
    edge
        How the mask's edge is moved and softened.
    color
        Gives a face the frame's colours; see ``plugins.convert.color``.
    scaling
        Readies a face for being enlarged; see ``plugins.convert.scaling``.
    """

    mask: Callable[[Swap], Floats]
    edge: MaskOptions
    color: Callable[[Swap, Floats], Floats]
    scaling: Callable[[Floats], Floats]

    def __call__(self, image: NDArray[np.uint8], swaps: Iterable[Swap]) -> NDArray[np.uint8]:
        """Swap the faces of a frame.

        Parameters
        ----------
        image
            ``(height, width, 3)``, BGR; it stays as it is.
        swaps
            The faces; of two in one place the later one shows.

        Returns
        -------
        NDArray[np.uint8]
            A frame of the same shape, the same to the byte wherever no mask is above 0.

        Raises
        ------
        FaceswapError
            There is no such mask of a face, or a plugin raised an error or gave something else than
            the face or mask that it is to give.
        """
        result = image.copy()
        for swap in swaps:
            mask = soften(self._mask(swap), self.edge)
            counting = mask * inside(swap.matrix, len(mask), image.shape)
            if counting.any():
                lay(result, self._face(swap, counting), mask, swap.matrix)
        return result

    def _mask(self, swap: Swap) -> Floats:
        mask = call_for_floats("mask plugin", self.mask, swap.face.shape[:2], swap)
        return np.clip(mask, 0, 1)

    def _face(self, swap: Swap, mask: Floats) -> Floats:
        shape = swap.face.shape
        coloured = call_for_floats("color plugin", self.color, shape, swap, mask)
        return call_for_floats("scaling plugin", self.scaling, shape, coloured)
