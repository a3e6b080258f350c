"""Filters of lines as matrices.

A separable filter is two small matrix products, ``rows @ planes @ columns.T``. At the sizes of
faces they are several times cheaper than depthwise convolutions, forward and backward.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray


def gaussian(sigma: float, radius: int) -> NDArray[np.float64]:
    """Gaussian of ``2 * radius + 1`` taps that sum to 1; `sigma` in pixels."""
    x = np.arange(-radius, radius + 1)
    kernel: NDArray[np.float64] = np.exp(-0.5 * (x / sigma) ** 2)
    kernel /= kernel.sum()
    return kernel


def filter_matrix(
    kernel: Sequence[float] | NDArray[np.float64],
    size: int,
    border: Literal["edge", "reflect"] | None = None,
) -> NDArray[np.float64]:
    """Matrix that filters a line of pixels.

    Parameters
    ----------
    kernel
        Odd number of taps.
    size
        Length of the line.
    border
        How the line goes on beyond its ends, in the words of `numpy.pad`; None: it does not, and
        only pixels whose kernel fits into the line are filtered.

    Returns
    -------
    NDArray
        ``(size, size)``, or ``(size - taps + 1, size)`` without a border.
    """
    lines = np.eye(size)
    if border:
        lines = np.pad(lines, ((len(kernel) // 2,) * 2, (0, 0)), mode=border)
    count = len(lines) - len(kernel) + 1
    taps = [weight * lines[k : k + count] for k, weight in enumerate(kernel)]
    matrix: NDArray[np.float64] = np.sum(taps, axis=0)
    return matrix
