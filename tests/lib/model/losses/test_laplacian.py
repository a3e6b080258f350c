"""Laplacian pyramid loss against pyramids by SciPy's filters."""

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve1d

from lib.model.losses.laplacian import laploss

KERNEL = np.array([1, 4, 6, 4, 1]) / 16


def blur(x: np.ndarray) -> np.ndarray:
    return convolve1d(convolve1d(x, KERNEL, axis=0, mode="mirror"), KERNEL, axis=1, mode="mirror")


def expand(x: np.ndarray, like: np.ndarray) -> np.ndarray:
    spread = np.zeros_like(like)
    spread[::2, ::2] = x
    return 4 * blur(spread)


def pyramid(x: np.ndarray, details: int) -> list[np.ndarray]:
    levels = []
    for _ in range(details):
        reduced = blur(x)[::2, ::2]
        levels.append(x - expand(reduced, x))
        x = reduced
    return [*levels, x]


@pytest.mark.parametrize(
    ("height", "width", "details"), [(16, 16, 2), (17, 23, 2), (64, 64, 4), (128, 160, 5)]
)
def test_laploss_is_the_sum_over_the_levels_of_both_pyramids(
    height: int, width: int, details: int, pictures, agrees
) -> None:
    def levels(x: np.ndarray, y: np.ndarray) -> float:
        pairs = zip(pyramid(x, details), pyramid(y, details), strict=True)
        return sum(np.abs(i - j).mean() for i, j in pairs)

    agrees(laploss, levels, *pictures(height, width, batch=1))


def test_a_constant_shift_shows_in_what_is_left_beneath_the_levels() -> None:
    truth = torch.rand(2, 37, 50, 3, dtype=torch.float64)
    np.testing.assert_allclose(laploss(truth, truth + 0.25), 0.25)
