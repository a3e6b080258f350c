"""Losses of single pixels against their formulas."""

import numpy as np
import pytest
import torch

from lib.model.losses.pixel import l_inf_norm, logcosh, mae, mse


@pytest.mark.parametrize(
    ("loss", "formula"),
    [
        (mae, lambda x, y: np.abs(x - y).mean()),
        (mse, lambda x, y: ((x - y) ** 2).mean()),
        (logcosh, lambda x, y: np.log(np.cosh(x - y)).mean()),
        (l_inf_norm, lambda x, y: np.mean([np.abs(x - y)[..., c].max() for c in range(3)])),
    ],
)
def test_losses_are_their_formulas(loss, formula, pictures, agrees) -> None:
    agrees(loss, formula, *pictures(16, 20))


def test_logcosh_of_large_differences_is_the_difference_less_log_2() -> None:
    truth = torch.zeros(1, 2, 2, 1)
    prediction = torch.full_like(truth, 1e4, requires_grad=True)
    value = logcosh(truth, prediction)
    assert float(value.detach()) == pytest.approx(1e4 - np.log(2))
    (gradient,) = torch.autograd.grad(value, prediction)
    np.testing.assert_allclose(gradient, 1 / 4)


@pytest.mark.parametrize("error", [1e-3, 1e-5])
def test_logcosh_of_small_differences_keeps_its_digits(error: float) -> None:
    truth = torch.zeros(1, 2, 2, 1)
    assert float(logcosh(truth, truth + error)) == pytest.approx(error**2 / 2, rel=5e-3)
