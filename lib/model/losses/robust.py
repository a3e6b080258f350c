"""Barron's general robust loss, on pixels and on the differences between neighbours.

Barron 2019, "A general and adaptive robust loss function", CVPR, arXiv:1701.03077.
"""

import torch
from torch import Tensor

_BETA = 1 / 255
"""Where the loss turns from quadratic to its tail: at one step of an 8-bit picture."""

_GRADIENT_ALPHA = 1.9999
"""Next to 2, the squared error, where the general formula has a gap."""


def general_loss(x: Tensor, alpha: float, beta: float) -> Tensor:
    """Barron's equation 1, element by element.

    Parameters
    ----------
    x
        Differences, any shape.
    alpha
        Shape: 2 would be the squared error, 1 a smoothed absolute one. Neither 0 nor 2, where the
        formula divides by zero.
    beta
        Scale (the paper's c), in the units of `x`.

    Returns
    -------
    Tensor
        At least 0, of the shape of `x`.
    """
    order = abs(alpha - 2)
    # (1 + y)^(alpha/2) - 1 by logarithms: float32 would lose small differences beside the 1.
    power = torch.expm1(alpha / 2 * torch.log1p(torch.square(x / beta) / order))
    return order / alpha * power


def smooth_loss(truth: Tensor, prediction: Tensor) -> Tensor:
    """General loss of alpha 1 and beta 1/255, averaged over the pixels of each sample.

    Parameters
    ----------
    truth, prediction
        ``(batch, height, width, channels)`` in 0..1.

    Returns
    -------
    Tensor
        ``(batch,)`` in 0..254: about 255 times the absolute error, smooth at 0.
    """
    return torch.mean(general_loss(truth - prediction, 1, _BETA), dim=(1, 2, 3))


def pixel_gradient_diff(truth: Tensor, prediction: Tensor) -> Tensor:
    """General loss of alpha 1.9999 and beta 1/255 on first and second spatial differences.

    Differences between neighbours are taken along both axes, then again along both; the mixed
    second one counts twice, as it stands twice in the matrix of second derivatives. Each is
    averaged over its pixels and channels, and the averages are summed. A constant shift goes
    unseen.

    Parameters
    ----------
    truth, prediction
        ``(batch, height, width, channels)`` in 0..1, at least 3 by 3 pixels.

    Returns
    -------
    Tensor
        ``(batch,)``, at least 0; some 32,500 times the squared differences.
    """
    error = truth - prediction
    down, across = error.diff(dim=1), error.diff(dim=2)
    first = _mean_loss(down) + _mean_loss(across)
    second = _mean_loss(down.diff(dim=1)) + _mean_loss(across.diff(dim=2))
    return first + second + 2 * _mean_loss(down.diff(dim=2))


def _mean_loss(x: Tensor) -> Tensor:
    return torch.mean(general_loss(x, _GRADIENT_ALPHA, _BETA), dim=(1, 2, 3))
