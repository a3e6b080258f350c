"""Focal frequency loss against a Fourier transform written out as matrices."""

from collections.abc import Callable

import numpy as np
import torch

from lib.model.losses.frequency import ffl


def waves(size: int) -> np.ndarray:
    n = np.arange(size)
    return np.exp(-2j * np.pi * np.outer(n, n) / size) / np.sqrt(size)


def spectrum(x: np.ndarray) -> np.ndarray:
    return np.einsum("uh,hwc,vw->uvc", waves(x.shape[0]), x, waves(x.shape[1]))


def distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.abs(spectrum(x) - spectrum(y))


def focused_on(x: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray, np.ndarray], float]:
    """Loss whose weights are those of a pair, because none flows back through them."""
    weights = distances(x, y) / distances(x, y).max(axis=(0, 1))
    return lambda i, j: float(np.mean(weights * distances(i, j) ** 2))


def test_ffl_is_its_formula_with_weights_that_are_constants(pictures, agrees) -> None:
    truth, prediction = pictures(16, 21, batch=1)
    agrees(ffl, focused_on(truth[0], prediction[0]), truth, prediction)


def test_an_error_of_one_frequency_is_its_mean_square() -> None:
    wave = 0.25 * np.cos(2 * np.pi * 3 * np.arange(32) / 32)[:, None] * np.ones((32, 32))
    error = torch.from_numpy(wave)[None, ..., None]
    np.testing.assert_allclose(ffl(torch.zeros_like(error), error), (wave**2).mean())


def test_noise_weighs_less_than_one_frequency_of_the_same_power(pictures) -> None:
    truth, noisy = (torch.from_numpy(x) for x in pictures())
    assert (ffl(truth, noisy) < 0.6 * ((truth - noisy) ** 2).mean(dim=(1, 2, 3))).all()
