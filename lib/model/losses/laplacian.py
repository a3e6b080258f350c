"""Laplacian pyramid loss.

Bojanowski, Joulin, Lopez-Paz, Szlam 2018, "Optimizing the latent space of generative networks",
ICML, arXiv:1707.05776. The pyramid is that of Burt and Adelson 1983, "The Laplacian pyramid as a
compact image code", IEEE Transactions on Communications 31(4).
"""

from collections.abc import Iterator
from functools import lru_cache

import torch
from torch import Tensor

from lib.model.losses.separable import filter_matrix

_LEVELS = 5
_SMALLEST = 4
"""Least edge of a level, in pixels."""

_KERNEL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def laploss(truth: Tensor, prediction: Tensor) -> Tensor:
    """Absolute error of the Laplacian pyramids of each sample, averaged within a level and summed.

    The paper sums over the pixels and weighs level j by 2^(2j). A level has a quarter of the pixels
    of the one before, so that this is the mean of each, and the number of pixels in front of all.

    Parameters
    ----------
    truth, prediction
        ``(batch, height, width, channels)``, at least 4 by 4 pixels. There are up to five levels of
        detail, as many as leave 4 pixels for the rest, and that rest: 64 pixels have four, and the
        rest of 4 by 4.

    Returns
    -------
    Tensor
        ``(batch,)``, at least 0. A constant shift shows in the rest alone.
    """
    # The pyramid is linear: that of the difference is the difference of the pyramids.
    error = (truth - prediction).permute(0, 3, 1, 2)
    levels = [level.abs().mean(dim=(1, 2, 3)) for level in _pyramid(error)]
    return torch.stack(levels).sum(dim=0)


def _pyramid(planes: Tensor) -> Iterator[Tensor]:
    """Levels of detail, the finest first, and what is left beneath them."""
    for _ in range(_LEVELS):
        if min(planes.shape[-2:]) < 2 * _SMALLEST:
            break
        rows, columns = (_matrices(n, planes.device, planes.dtype) for n in planes.shape[-2:])
        reduced = rows[0] @ planes @ columns[0].T
        yield planes - rows[1] @ reduced @ columns[1].T
        planes = reduced
    yield planes


@lru_cache(maxsize=64)
def _matrices(size: int, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """What halves a line of `size` pixels, and what doubles it back to that size."""
    blur = filter_matrix(_KERNEL, size, "reflect")
    # Doubling puts zeros between the pixels, which takes half of each sum of taps.
    halving, doubling = blur[::2], 2 * blur[:, ::2]
    return torch.from_numpy(halving).to(device, dtype), torch.from_numpy(doubling).to(device, dtype)
