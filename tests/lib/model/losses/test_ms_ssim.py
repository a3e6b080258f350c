"""Multi-scale structural similarity against a product of scikit-image's values."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from lib.model.losses.ms_ssim import ms_dssim, ms_ssim
from lib.model.losses.ssim import ssim

WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


def term(x: np.ndarray, y: np.ndarray, k1: float = 0.01) -> float:
    return structural_similarity(
        x, y, K1=k1, gaussian_weights=True, use_sample_covariance=False, data_range=1.0
    )


def halve(x: np.ndarray) -> np.ndarray:
    x = x[: len(x) // 2 * 2, : x.shape[1] // 2 * 2]
    return (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4


def product(x: np.ndarray, y: np.ndarray, scales: int) -> float:
    """Of one channel; a huge K1 leaves nothing of luminance in scikit-image's SSIM."""
    weights = WEIGHTS[:scales] / WEIGHTS[:scales].sum()
    value = 1.0
    for weight in weights[:-1]:
        value *= term(x, y, k1=1e6) ** weight
        x, y = halve(x), halve(y)
    return value * term(x, y) ** weights[-1]


@pytest.mark.parametrize(
    ("height", "width", "scales"),
    [(16, 16, 1), (22, 40, 2), (64, 64, 3), (87, 99, 3), (88, 91, 4), (176, 176, 5)],
)
def test_ms_ssim_is_the_product_over_the_scales_that_fit(
    height: int, width: int, scales: int, pictures, agrees
) -> None:
    def mean_over_channels(x: np.ndarray, y: np.ndarray) -> float:
        return np.mean([product(x[..., c], y[..., c], scales) for c in range(3)])

    pair = pictures(height, width, batch=1)
    agrees(ms_ssim, mean_over_channels, *pair)
    x, y = (torch.from_numpy(image) for image in pair)
    assert torch.equal(ms_dssim(x, y), (1 - ms_ssim(x, y)) / 2)


def test_one_scale_is_ssim(pictures) -> None:
    x, y = (torch.from_numpy(image) for image in pictures(18))
    torch.testing.assert_close(ms_ssim(x, y), ssim(x, y))


def test_a_negative_is_worse_than_a_flat_picture_and_still_pulls(pictures) -> None:
    _, noisy = pictures(64)
    truth = torch.from_numpy(noisy)
    negative = (1 - truth).requires_grad_()
    value = ms_ssim(truth, negative)
    assert (value < ms_ssim(truth, torch.full_like(truth, 0.5))).all()
    assert (value >= 0).all()
    (gradient,) = torch.autograd.grad(value.sum(), negative)
    assert torch.isfinite(gradient).all()
    assert (gradient != 0).any()
