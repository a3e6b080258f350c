"""Long curves, in so few points that they are drawn at once."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def thinned(iterations: Floats, values: Floats, most: int) -> tuple[Floats, Floats]:
    """Means of at most `most` parts of equal length; NaN is left out of them.

    Parameters
    ----------
    iterations, values
        ``(n,)``.
    most
        Points to keep.
    """
    if not len(values):
        return iterations, values
    length = -(-len(values) // most)
    starts, good = np.arange(0, len(values), length), np.isfinite(values)
    counts = np.add.reduceat(good, starts, dtype=np.float64)
    sums = np.add.reduceat(np.where(good, values, 0.0), starts)
    means = np.divide(sums, counts, out=np.full(len(starts), np.nan), where=counts > 0)
    ends = np.minimum(starts + length, len(values)) - 1
    return iterations[ends], means
