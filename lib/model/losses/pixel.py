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
