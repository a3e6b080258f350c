"""FLIP: how far apart two pictures look when one is flipped to the other on a screen.

Andersson, Nilsson, Akenine-Möller, Oskarsson, Åström, Fairchild 2020, "FLIP: a difference
evaluator for alternating images", Proceedings of the ACM on Computer Graphics and Interactive
Techniques 3(2).
Constants below carry the paper's names.
"""

import math
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.model.losses.colour import (
    lab_from_linear,
    linear_from_opponent,
    linear_from_srgb,
    opponent_from_linear,
)
from lib.model.losses.roots import power, root
from lib.model.losses.separable import filter_matrix, gaussian

_CHANNELS = {"bgr": (2, 1, 0), "rgb": (0, 1, 2)}
"""Where red, green and blue are."""

_SENSITIVITY = (((1, 0.0047),), ((1, 0.0053),), ((34.1, 0.04), (13.5, 0.025)))
"""Contrast sensitivity of each opponent colour: Gaussians of amplitude a and width b, in degrees
squared."""

_QC, _PC, _PT = 0.7, 0.4, 0.95
"""Exponent of colour differences; the share ``pc`` of the largest is mapped to ``pt``."""

_W, _QF = 0.082, 0.5
"""Width of the feature detectors in degrees, and exponent of feature differences."""

_LEAST = 1e-3
"""Below it, which no eye sees, powers with an exponent under 1 run straight to 0: their gradient
has no bound there."""


def flip(
    truth: Tensor,
    prediction: Tensor,
    color_order: str = "bgr",
    pixels_per_degree: float = 67,
) -> Tensor:
    """Mean FLIP difference of each sample.

    Parameters
    ----------
    truth, prediction
        sRGB pictures ``(batch, height, width, 3)`` in 0..1.
    color_order
        Order of their channels, ``bgr`` or ``rgb``.
    pixels_per_degree
        Pixels of the picture in a degree of the viewer's eye: 67 on a screen 0.7 m wide of 3840
        pixels, 0.7 m away.

    Returns
    -------
    Tensor
        ``(batch,)`` in 0..1: 0 for equal pictures, 1 for full green against full blue, 0.97 for
        black against white.
    """
    images = torch.cat([truth, prediction])
    planes = torch.stack([images[..., channel] for channel in _CHANNELS[color_order]], dim=1)
    opponent = opponent_from_linear(linear_from_srgb(planes))
    colour = _colour_difference(opponent, pixels_per_degree)
    feature = _feature_difference(opponent[:, 0] / 116, pixels_per_degree)
    return torch.mean(power(colour, 1 - feature, _LEAST), dim=(1, 2))


def _colour_difference(opponent: Tensor, pixels_per_degree: float) -> Tensor:
    """Difference of the colours as the eye blurs them, ``(batch, height, width)`` in 0..1."""
    seen = linear_from_opponent(_see(opponent, pixels_per_degree))
    truth, prediction = _perceived(torch.clamp(seen, 0, 1)).chunk(2)
    knee = _PC * _largest_difference()
    difference = power(_hyab(truth, prediction), _QC, _LEAST)
    below, above = torch.clamp(difference, max=knee), torch.clamp(difference - knee, min=0)
    return _PT / knee * below + (1 - _PT) / (_largest_difference() - knee) * above


def _see(opponent: Tensor, pixels_per_degree: float) -> Tensor:
    rows, columns = (
        _blurs(size, pixels_per_degree, opponent.device, opponent.dtype)
        for size in opponent.shape[-2:]
    )
    planes = torch.cat([opponent, opponent[:, 2:]], dim=1)
    luminance, red_green, narrow, wide = (rows @ planes @ columns.mT).unbind(dim=1)
    return torch.stack([luminance, red_green, narrow + wide], dim=1)


@lru_cache(maxsize=32)
def _blurs(size: int, pixels_per_degree: float, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Matrices ``(4, size, size)``: of the Gaussian of luminance, of red-green, two of yellow-blue.

    Each carries the root of its share in the filter, so that a product over both axes carries it.
    """
    widest = max(b for gaussians in _SENSITIVITY for _, b in gaussians)
    radius = math.ceil(3 * _sigma(widest) * pixels_per_degree)
    matrices = []
    for gaussians in _SENSITIVITY:
        kernels = [gaussian(_sigma(b) * pixels_per_degree, radius) for _, b in gaussians]
        # What a Gaussian sums to over the plane, its middle being 1.
        areas = [1 / kernel[radius] ** 2 for kernel in kernels]
        shares = [a * b**-0.5 * area for (a, b), area in zip(gaussians, areas, strict=True)]
        matrices += [
            math.sqrt(share / sum(shares)) * filter_matrix(kernel, size, "edge")
            for share, kernel in zip(shares, kernels, strict=True)
        ]
    return torch.from_numpy(np.stack(matrices)).to(device, dtype)


def _sigma(b: float) -> float:
    """Deviation of ``exp(-pi^2 x^2 / b)``."""
    return math.sqrt(b / 2) / math.pi


def _perceived(linear: Tensor) -> Tensor:
    """L*a*b* with the Hunt effect: colours grow with luminance."""
    lightness, a, b = lab_from_linear(linear).unbind(dim=1)
    return torch.stack([lightness, 0.01 * lightness * a, 0.01 * lightness * b], dim=1)


def _hyab(x: Tensor, y: Tensor) -> Tensor:
    """Difference in lightness plus distance in colour, ``(batch, height, width)``."""
    lightness, a, b = (x - y).unbind(dim=1)
    return lightness.abs() + root(a**2 + b**2)


@lru_cache(maxsize=1)
def _largest_difference() -> float:
    """Of green and blue, to the power of ``qc``."""
    green, blue = torch.eye(3, dtype=torch.float64)[1:].view(2, 1, 3, 1, 1)
    return math.pow(_hyab(_perceived(green), _perceived(blue)).item(), _QC)


def _feature_difference(grey: Tensor, pixels_per_degree: float) -> Tensor:
    """Difference in edges or in points, whichever is larger, ``(batch, height, width)`` in 0..1."""
    rows, columns = (
        _detectors(size, pixels_per_degree, grey.device, grey.dtype) for size in grey.shape[-2:]
    )
    differences = []
    for detector in ("edge", "point"):
        down = rows[detector] @ grey @ columns["blur"].T
        across = rows["blur"] @ grey @ columns[detector].T
        truth, prediction = root(down**2 + across**2).chunk(2)
        differences.append(torch.abs(truth - prediction))
    return power(torch.maximum(*differences) / math.sqrt(2), _QF, _LEAST)


@lru_cache(maxsize=32)
def _detectors(
    size: int, pixels_per_degree: float, device: torch.device, dtype: torch.dtype
) -> dict[str, Tensor]:
    """Matrices of a Gaussian and of its first and second derivatives."""
    sigma = 0.5 * _W * pixels_per_degree
    radius = math.ceil(3 * sigma)
    x = np.arange(-radius, radius + 1) / sigma
    blur = gaussian(sigma, radius)
    kernels = {"blur": blur, "edge": _balanced(x * blur), "point": _balanced((x**2 - 1) * blur)}
    return {
        name: torch.from_numpy(filter_matrix(kernel, size, "edge")).to(device, dtype)
        for name, kernel in kernels.items()
    }


def _balanced(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale the positive taps to a sum of 1 and the negative ones to -1."""
    sums = np.where(kernel > 0, kernel[kernel > 0].sum(), -kernel[kernel < 0].sum())
    balanced: NDArray[np.float64] = kernel / sums
    return balanced
