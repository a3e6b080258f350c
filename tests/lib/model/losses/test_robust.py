"""Barron's general loss against its formula."""

import numpy as np
import pytest
import torch

from lib.model.losses.robust import general_loss, pixel_gradient_diff, smooth_loss


def formula(x: np.ndarray, alpha: float, beta: float = 1 / 255) -> np.ndarray:
    order = abs(alpha - 2)
    return order / alpha * (((x / beta) ** 2 / order + 1) ** (alpha / 2) - 1)


@pytest.mark.parametrize("alpha", [-2, 0.5, 1, 1.5, 1.9999])
def test_general_loss_is_its_formula_in_single_precision(alpha: float) -> None:
    x = np.concatenate([-np.logspace(-3, 0.6, 40), np.logspace(-3, 0.6, 40)])
    ours = general_loss(torch.from_numpy(x).float(), alpha, 1 / 255).double().numpy()
    np.testing.assert_allclose(ours, formula(x, alpha), rtol=1e-5)


def test_general_loss_keeps_small_differences() -> None:
    x = torch.tensor([1e-6, -1e-8])
    expected = (x.double() * 255) ** 2 / 2
    np.testing.assert_allclose(general_loss(x, 1, 1 / 255), expected, rtol=1e-5)


def test_smooth_loss_is_the_square_root_that_alpha_1_makes_of_it(pictures, agrees) -> None:
    def square_root(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.mean(np.sqrt((255 * (x - y)) ** 2 + 1) - 1))

    agrees(smooth_loss, square_root, *pictures(16, 20))


def differences(x: np.ndarray, y: np.ndarray) -> float:
    """Of each picture first, written out by slices."""
    total = 0.0
    for difference in (
        lambda i: i[1:] - i[:-1],
        lambda i: i[:, 1:] - i[:, :-1],
        lambda i: i[2:] - 2 * i[1:-1] + i[:-2],
        lambda i: i[:, 2:] - 2 * i[:, 1:-1] + i[:, :-2],
        lambda i: i[1:, 1:] - i[1:, :-1] - i[:-1, 1:] + i[:-1, :-1],
        lambda i: i[1:, 1:] - i[1:, :-1] - i[:-1, 1:] + i[:-1, :-1],
    ):
        total += formula(difference(x) - difference(y), 1.9999).mean()
    return total


def test_pixel_gradient_diff_is_its_formula(pictures, agrees) -> None:
    agrees(pixel_gradient_diff, differences, *pictures(16, 20))


def test_pixel_gradient_diff_counts_the_mixed_difference_twice() -> None:
    line = np.arange(6.0)
    saddle = 0.01 * line[:, None] * line
    first = 2 * formula(0.01 * line, 1.9999).mean()
    mixed = 2 * formula(np.array(0.01), 1.9999)
    ours = pixel_gradient_diff(
        torch.zeros(1, 6, 6, 1, dtype=torch.float64), torch.from_numpy(saddle)[None, ..., None]
    )
    assert float(ours) == pytest.approx(first + mixed)
