"""Gradient magnitude similarity deviation against SciPy's convolutions."""

import numpy as np
import torch
from scipy.signal import convolve2d

from lib.model.losses.gmsd import gmsd

PREWITT = np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]]) / 3


def magnitude(plane: np.ndarray) -> np.ndarray:
    sides = [convolve2d(plane, kernel, mode="valid") for kernel in (PREWITT, PREWITT.T)]
    return np.sqrt(sides[0] ** 2 + sides[1] ** 2)


def deviation(x: np.ndarray, y: np.ndarray) -> float:
    deviations = []
    for channel in range(x.shape[-1]):
        m, n = magnitude(x[..., channel]), magnitude(y[..., channel])
        deviations.append(np.std((2 * m * n + 0.0025) / (m**2 + n**2 + 0.0025)))
    return float(np.mean(deviations))


def test_gmsd_is_its_formula(pictures, agrees) -> None:
    agrees(gmsd, deviation, *pictures(16, 20))


def test_a_constant_shift_goes_unseen(pictures) -> None:
    truth, noisy = (torch.from_numpy(x) for x in pictures())
    torch.testing.assert_close(gmsd(truth, noisy), gmsd(truth, noisy + 0.2))
    np.testing.assert_allclose(gmsd(truth, truth + 0.2), 0, atol=1e-12)
