"""What the plugins of convert work on: one face, its swap and where both lie."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Swap:
    """A swapped face beside the one whose place it takes, in the window that the model sees.

    Attributes
    ----------
    face
        ``(n, n, 3)``, BGR, 0..1: what the model made.
    target
        ``(n, n, 3)``, BGR, 0..1: the same window of the frame.
    landmarks
        ``(68, 2)``, in pixels of the window.
    matrix
        ``(2, 3)``, from pixels of the frame to pixels of the window.
    predicted_mask
        ``(n, n)``, 0..1: the mask that the model made; None where it learns none.
    """

    face: Floats
    target: Floats
    landmarks: NDArray[np.float64]
    matrix: NDArray[np.float64]
    predicted_mask: Floats | None = None
