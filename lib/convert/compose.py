"""Swaps the faces of a frame: each by its mask, in the frame's colours, one after the other."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.config.convert import MaskOptions
from lib.convert.edge import soften
from lib.convert.lay import lay
from lib.convert.swap import Floats, Swap
from lib.convert.window import Matrix


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
            There is no such mask of a face.
        """
        result = image.copy()
        for swap in swaps:
            mask = soften(self.mask(swap), self.edge)
            counting = mask * _share_inside(swap.matrix, len(mask), image.shape)
            if counting.any():
                lay(result, self.scaling(self.color(swap, counting)), mask, swap.matrix)
        return result


def _share_inside(matrix: Matrix, size: int, shape: tuple[int, ...]) -> Floats | float:
    """``(size, size)``, 1 where the window shows the frame and 0 outside; 1 where all is inside."""
    corners = np.array([0.0, size - 1])
    if _inside(matrix, corners, shape).all():
        return 1.0
    return np.asarray(_inside(matrix, np.arange(float(size)), shape), np.float32)


def _inside(matrix: Matrix, at: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether pixels of the window at these columns and rows lie in the frame."""
    grid = np.stack(np.meshgrid(at, at), axis=-1)
    x, y = np.moveaxis(cv2.transform(grid, cv2.invertAffineTransform(matrix)), -1, 0)
    inside: NDArray[np.bool_] = (x >= 0) & (y >= 0) & (x <= shape[1] - 1) & (y <= shape[0] - 1)
    return inside
