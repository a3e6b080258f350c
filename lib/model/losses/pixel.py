"""Losses that compare pixel with pixel."""

import torch
from torch import Tensor


def mae(truth: Tensor, prediction: Tensor) -> Tensor:
    """Mean absolute error of each sample.

    Parameters
    ----------
    truth, prediction
        ``(batch, height, width, channels)``.

    Returns
    -------
    Tensor
        ``(batch,)``.
    """
    return torch.mean(torch.abs(truth - prediction), dim=(1, 2, 3))


def mse(truth: Tensor, prediction: Tensor) -> Tensor:
    """Mean squared error of each sample; shapes as in `mae`."""
    return torch.mean(torch.square(truth - prediction), dim=(1, 2, 3))


def logcosh(truth: Tensor, prediction: Tensor) -> Tensor:
    """Mean logarithm of the hyperbolic cosine of the error; shapes as in `mae`.

    Half the squared error where it is small, the absolute error less log 2 where it is large.
    """
    error = torch.abs(truth - prediction)
    # log((e^x + e^-x) / 2) without the powers that overflow, and exact near 0.
    logarithm = error + torch.log1p(torch.expm1(-2 * error) / 2)
    return torch.mean(logarithm, dim=(1, 2, 3))


def l_inf_norm(truth: Tensor, prediction: Tensor) -> Tensor:
    """Largest absolute error of each channel, averaged over the channels; shapes as in `mae`."""
    return torch.mean(torch.amax(torch.abs(truth - prediction), dim=(1, 2)), dim=1)
