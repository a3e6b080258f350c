"""Structural dissimilarity.

Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment: from error visibility to structural
similarity", IEEE Transactions on Image Processing 13(4): Gaussian window of 11 pixels, sigma 1.5.

This is the standard SSIM, whose window stands on every pixel where it fits. The DSSIM of faceswap's
2.x period compared non-overlapping patches instead, so its values differ from these.
"""

from functools import lru_cache

import torch
from torch import Tensor

from lib.model.losses.separable import filter_matrix, gaussian

WINDOW = 11
"""Width of the window in pixels."""

_SIGMA = 1.5
_C1 = 0.01**2
_C2 = 0.03**2


@lru_cache(maxsize=32)
def _smoothing(size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Matrix ``(size - window + 1, size)`` that smooths a line where the window fits inside it."""
    window = min(WINDOW, size - (size + 1) % 2)
    matrix = filter_matrix(gaussian(_SIGMA, window // 2), size)
    return torch.from_numpy(matrix).to(device, dtype)


def _smooth(planes: Tensor) -> Tensor:
    height, width = planes.shape[-2:]
    rows = _smoothing(height, planes.device, planes.dtype)
    columns = _smoothing(width, planes.device, planes.dtype)
    return rows @ planes @ columns.T


def components(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance term of SSIM, and its contrast and structure terms multiplied.

    Parameters
    ----------
    x, y
        Planes ``(..., height, width)`` in 0..1.

    Returns
    -------
    tuple of Tensor
        Two maps ``(..., height', width')`` of the pixels whose window fits in the picture, the
        first in 0..1, the second in -1..1.
    """
    # Smoothed apart from the rest, the truth costs no backward pass.
    mean_x = _smooth(x)
    mean_y, mean_squares, mean_xy = _smooth(torch.stack([y, x * x + y * y, x * y])).unbind()
    product, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    luminance = (2 * product + _C1) / (squares + _C1)
    variances, covariance = mean_squares - squares, mean_xy - product
    return luminance, (2 * covariance + _C2) / (variances + _C2)


def ssim(truth: Tensor, prediction: Tensor) -> Tensor:
    """Mean structural similarity of each sample, over the pixels whose window fits in the picture.

    Parameters
    ----------
    truth, prediction
        ``(batch, height, width, channels)`` in 0..1. Pictures of less than 11 pixels take the
        largest odd window that fits.

    Returns
    -------
    Tensor
        ``(batch,)`` in -1..1, 1 for equal pictures.
    """
    x, y = (image.permute(0, 3, 1, 2) for image in (truth, prediction))
    luminance, structure = components(x, y)
    return torch.mean(luminance * structure, dim=(1, 2, 3))


def dssim(truth: Tensor, prediction: Tensor) -> Tensor:
    """Structural dissimilarity ``(1 - SSIM) / 2`` of each sample, 0..1; shapes as in `ssim`.

    The standard windowed SSIM; the DSSIM of faceswap's 2.x period compared non-overlapping patches
    instead.
    """
    return (1 - ssim(truth, prediction)) / 2
