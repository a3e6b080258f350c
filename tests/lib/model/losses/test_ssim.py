"""Structural similarity against scikit-image's."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from lib.model.losses.ssim import dssim, ssim


def similarity(x: np.ndarray, y: np.ndarray) -> float:
    return structural_similarity(
        x,
        y,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
        channel_axis=-1,
    )


@pytest.mark.parametrize("size", [(11, 11), (24, 17), (64, 64)])
def test_ssim_is_scikit_images(size: tuple[int, int], pictures, agrees) -> None:
    agrees(ssim, similarity, *pictures(*size))
    agrees(dssim, lambda x, y: (1 - similarity(x, y)) / 2, *pictures(*size))


def test_ssim_of_equal_pictures_is_one_and_of_a_negative_below_zero(pictures) -> None:
    _, noisy = pictures()
    x = torch.from_numpy(noisy)
    np.testing.assert_allclose(ssim(x, x).numpy(), 1)
    assert (ssim(x, 1 - x) < 0).all()


def test_ssim_of_tiny_pictures_takes_the_window_that_fits(pictures) -> None:
    value = ssim(*(torch.from_numpy(x) for x in pictures(6)))
    assert torch.isfinite(value).all()
    assert (value < 1).all()
