"""Structural dissimilarity over several scales.

Wang, Simoncelli, Bovik 2003, "Multi-scale structural similarity for image quality assessment",
Asilomar Conference on Signals, Systems and Computers: five scales, each half as large as the last.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from lib.model.losses.ssim import WINDOW, components

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, the finest first; they sum to 1."""

_FLOOR = 0.01
"""Below it a term's logarithm goes on as its tangent."""


def ms_ssim(truth: Tensor, prediction: Tensor) -> Tensor:
    """Multi-scale structural similarity of each sample.

    Contrast and structure of every scale, and luminance of the last, are averaged over the pixels,
    raised to the scale's weight and multiplied; channels are pictures of their own, averaged last.
    Scales on which the window of 11 pixels does not fit are left out and the other weights brought
    to a sum of 1: 64 pixels have three scales, 176 all five. Terms below 0.01, where a power would
    have no bounded gradient or, below 0, no value at all, fade towards 0 without reaching it.

    Parameters
    ----------
    truth, prediction
        ``(batch, height, width, channels)`` in 0..1. Pictures of less than 22 pixels have one
        scale, and so the value of `lib.model.losses.ssim.ssim`.

    Returns
    -------
    Tensor
        ``(batch,)`` in 0..1, 1 for equal pictures.
    """
    weights = _WEIGHTS[: _scales(min(truth.shape[1:3]))]
    x, y = (image.permute(0, 3, 1, 2) for image in (truth, prediction))
    logarithms = [
        weight / sum(weights) * _logarithm(term)
        for weight, term in zip(weights, _terms(x, y, len(weights)), strict=True)
    ]
    return torch.exp(torch.stack(logarithms).sum(dim=0)).mean(dim=1)


def ms_dssim(truth: Tensor, prediction: Tensor) -> Tensor:
    """``(1 - MS-SSIM) / 2`` of each sample, 0..1/2, as `dssim`; shapes as in `ms_ssim`."""
    return (1 - ms_ssim(truth, prediction)) / 2


def _scales(size: int) -> int:
    fitting = 1
    while fitting < len(_WEIGHTS) and size >> fitting >= WINDOW:
        fitting += 1
    return fitting


def _terms(x: Tensor, y: Tensor, scales: int) -> Iterator[Tensor]:
    """Mean of each scale's contrast and structure, of the last one's with luminance: `(b, c)`."""
    for _ in range(scales - 1):
        yield components(x, y)[1].mean(dim=(-2, -1))
        x, y = avg_pool2d(x, 2), avg_pool2d(y, 2)
    luminance, structure = components(x, y)
    yield (luminance * structure).mean(dim=(-2, -1))


def _logarithm(x: Tensor) -> Tensor:
    tangent = math.log(_FLOOR) + x / _FLOOR - 1
    return torch.where(x > _FLOOR, torch.log(torch.clamp(x, min=_FLOOR)), tangent)
