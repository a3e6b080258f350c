"""Likeness against scikit-image."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from lib.evaluation.score import Score, likeness, mean, score_prediction


def pictures(size: int = 48) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
    noisy = truth.astype(int) + rng.integers(-20, 21, truth.shape)
    return truth, np.clip(noisy, 0, 255).astype(np.uint8)


def test_likeness_is_scikit_images_inside_the_mask() -> None:
    truth, other = pictures()
    mask = np.zeros(truth.shape[:2], bool)
    mask[10:30, 12:40] = True
    score = likeness(truth, other, mask)
    assert score.psnr == pytest.approx(
        peak_signal_noise_ratio(truth[10:30, 12:40], other[10:30, 12:40])
    )
    _, ssim = structural_similarity(
        truth,
        other,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=-1,
        full=True,
    )
    assert score.ssim == pytest.approx(ssim[10:30, 12:40].mean(), abs=1e-6)


def test_equal_pictures_are_wholly_alike() -> None:
    truth, _ = pictures()
    score = likeness(truth, truth, np.ones(truth.shape[:2], bool))
    assert score.psnr == np.inf
    assert score.ssim == pytest.approx(1)


def test_a_prediction_is_compared_in_its_window_alone() -> None:
    truth, _ = pictures()
    mask = np.full(truth.shape[:2], 255, np.uint8)
    window = truth[8:40, 8:40]
    good = score_prediction(truth, mask, window, coverage=32.5 / 48)
    assert good.psnr > 90
    shifted = score_prediction(truth, mask, np.roll(window, 1, axis=0), coverage=32.5 / 48)
    assert shifted.psnr < 20


def test_the_mean_is_taken_of_each_figure() -> None:
    assert mean([Score(20, 0.5), Score(30, 0.7)]) == Score(25, pytest.approx(0.6))
    assert str(Score(25.04, 0.6)) == "25.0 dB / 0.600"
