"""Structural dissimilarity.

Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment: from error visibility to structural
similarity", IEEE Transactions on Image Processing 13(4): Gaussian window of 11 pixels, sigma 1.5.
"""

from functools import lru_cache

import torch
from torch import Tensor

_WINDOW = 11
_SIGMA = 1.5
_C1 = 0.01**2
_C2 = 0.03**2


@lru_cache(maxsize=32)
def _smoothing(size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Matrix ``(size - window + 1, size)`` that smooths a line where the window fits inside it.

    Two small matrix products are several times cheaper than depthwise convolutions, forward and
    backward, at the sizes of faces.
    """
    window = min(_WINDOW, size - (size + 1) % 2)
    x = torch.arange(window, dtype=torch.float64) - window // 2
    kernel = torch.exp(-0.5 * (x / _SIGMA) ** 2)
    kernel /= kernel.sum()
    matrix = torch.zeros(size - window + 1, size, dtype=torch.float64)
    for row in range(len(matrix)):
        matrix[row, row : row + window] = kernel
    return matrix.to(device, dtype)


def _smooth(planes: Tensor) -> Tensor:
    height, width = planes.shape[-2:]
    rows = _smoothing(height, planes.device, planes.dtype)
    columns = _smoothing(width, planes.device, planes.dtype)
    return rows @ planes @ columns.T


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
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = _smooth(
        torch.stack([x, y, x * x, y * y, x * y])
    ).unbind()
    var_x, var_y = mean_xx - mean_x**2, mean_yy - mean_y**2
    covariance = mean_xy - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * covariance + _C2) / (var_x + var_y + _C2)
    return torch.mean(luminance * structure, dim=(1, 2, 3))


def dssim(truth: Tensor, prediction: Tensor) -> Tensor:
    """Structural dissimilarity ``(1 - SSIM) / 2`` of each sample, 0..1; shapes as in `ssim`."""
    return (1 - ssim(truth, prediction)) / 2
