"""Roots and powers whose gradient has no bound at 0, with a bound."""

import torch
from torch import Tensor


def root(x: Tensor) -> Tensor:
    """Square root of what is at least 0; at 0 its gradient is 0.

    There it is not 0 itself but that of the smallest number, 1e-19 in single precision.
    """
    return torch.sqrt(torch.clamp(x, min=torch.finfo(x.dtype).tiny))


def power(base: Tensor, exponent: Tensor | float, least: float) -> Tensor:
    """Power of what is at least 0, exponent 0..1; below `least` a straight line leads to 0."""
    return torch.clamp(base, min=least) ** exponent * (torch.clamp(base, max=least) / least)
