"""Swaps the faces of a frame: each by its mask, in the frame's colours, one after the other."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import transform_points
from lib.config.convert import MaskOptions
from lib.convert.edge import soften
from lib.convert.lay import lay
from lib.convert.swap import Floats, Swap
from lib.convert.window import Matrix, Window, cut


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


def make_swap(
    image: NDArray[np.uint8],
    landmarks: NDArray[np.float64],
    window: Window,
    face: Floats,
    predicted_mask: Floats | None = None,
) -> Swap:
    """Set what a model made beside what it takes the place of.

    Parameters
    ----------
    image
        The frame, ``(height, width, 3)``, BGR.
    landmarks
        ``(68, 2)`` of the face, in pixels of the frame.
    window
        What the model sees of a face.
    face
        ``(n, n, 3)``, BGR, 0..1: what it made of it.
    predicted_mask
        ``(n, n)``, 0..1; None where the model learns none.

    Raises
    ------
    FaceswapError
        The landmarks form no face.
    """
    matrix = window.matrix(landmarks, len(face))
    target = np.divide(cut(image, matrix, len(face)), 255, dtype=np.float32)
    there = transform_points(landmarks, matrix)
    return Swap(face, target, there, matrix, predicted_mask)


def _share_inside(matrix: Matrix, size: int, shape: tuple[int, ...]) -> Floats:
    """``(size, size)``, 1 where the window shows the frame and 0 where it reaches outside."""
    at = np.arange(size, dtype=np.float64)
    grid = np.stack(np.meshgrid(at, at), axis=-1)
    x, y = np.moveaxis(cv2.transform(grid, cv2.invertAffineTransform(matrix)), -1, 0)
    inside = (x >= 0) & (y >= 0) & (x <= shape[1] - 1) & (y <= shape[0] - 1)
    return np.asarray(inside, np.float32)
