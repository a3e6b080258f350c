"""Roots and powers against NumPy's, and at 0."""

import numpy as np
import pytest
import torch

from lib.model.losses.roots import power, root


def test_root_is_the_square_root_and_flat_at_0() -> None:
    x = torch.tensor([0, 1e-42, 1e-30, 1e-4, 1, 9], requires_grad=True)
    y = root(x)
    np.testing.assert_allclose(y.detach(), np.sqrt(x.detach().numpy()), atol=1e-18, rtol=1e-6)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    np.testing.assert_allclose(gradient, [0, 0, 5e14, 50, 0.5, 1 / 6], rtol=1e-6)


@pytest.mark.parametrize("exponent", [0.5, 0.7, 1.0])
def test_power_is_straight_below_the_least_and_whole_above(exponent: float) -> None:
    x = torch.tensor([0, 0.005, 0.01, 0.2, 3], dtype=torch.float64, requires_grad=True)
    y = power(x, exponent, 0.01)
    line = 0.01**exponent
    expected = [0, line / 2, line, 0.2**exponent, 3**exponent]
    np.testing.assert_allclose(y.detach(), expected)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    expected = [line / 0.01, line / 0.01, exponent * 0.2 ** (exponent - 1)]
    np.testing.assert_allclose(gradient[[0, 1, 3]], expected)


def test_powers_gradient_of_the_exponent_is_finite_at_0() -> None:
    base = torch.tensor([0, 1e-3, 0.5], dtype=torch.float64)
    exponent = torch.tensor([0, 0.5, 0.5], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: power(base, p, 0.01), (exponent,))
