"""Losses against scikit-image and formulas written out in NumPy, in value and in gradient."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from lib.model.losses.face import FaceLoss, MaskLoss
from lib.model.losses.pixel import mae, mse
from lib.model.losses.ssim import dssim, ssim


def pair(size: int = 24, batch: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random((batch, size, size, 3))
    return truth, np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1)


def oracle_ssim(x: np.ndarray, y: np.ndarray) -> float:
    return structural_similarity(
        x,
        y,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
        channel_axis=-1,
    )


@pytest.mark.parametrize("size", [11, 24, 64])
def test_ssim_is_scikit_images(size: int) -> None:
    truth, prediction = pair(size)
    ours = ssim(torch.from_numpy(truth), torch.from_numpy(prediction)).numpy()
    expected = [oracle_ssim(x, y) for x, y in zip(truth, prediction, strict=True)]
    np.testing.assert_allclose(ours, expected, atol=1e-9)


def test_ssim_of_equal_pictures_is_one_and_of_a_negative_below_zero() -> None:
    truth, _ = pair()
    x = torch.from_numpy(truth)
    np.testing.assert_allclose(ssim(x, x).numpy(), 1)
    assert (ssim(x, 1 - x) < 0).all()


def test_ssim_of_tiny_pictures_takes_the_window_that_fits() -> None:
    truth, prediction = pair(size=6)
    value = ssim(torch.from_numpy(truth), torch.from_numpy(prediction))
    assert torch.isfinite(value).all()
    assert (value < 1).all()


@pytest.mark.parametrize(
    ("function", "formula"),
    [(mae, lambda x, y: np.abs(x - y)), (mse, lambda x, y: (x - y) ** 2)],
)
def test_pixel_losses_are_their_formulas(function, formula) -> None:
    truth, prediction = pair()
    ours = function(torch.from_numpy(truth), torch.from_numpy(prediction)).numpy()
    np.testing.assert_allclose(ours, formula(truth, prediction).mean(axis=(1, 2, 3)))


@pytest.mark.parametrize("function", [dssim, mae, mse])
def test_gradients_agree_with_finite_differences(function) -> None:
    truth, prediction = (torch.from_numpy(x) for x in pair(size=12, batch=1))
    prediction.requires_grad_()
    assert torch.autograd.gradcheck(lambda y: function(truth, y), (prediction,))


def target(truth: np.ndarray, seed: int = 1) -> np.ndarray:
    masks = np.random.default_rng(seed).random((*truth.shape[:3], 3)).round()
    return np.concatenate([truth, masks], axis=-1)


def formula_of_the_default(y_true: np.ndarray, prediction: np.ndarray) -> float:
    """ssim and L2 on the face, three times on the eyes, twice on the mouth, in float64."""
    total = 0.0
    for channel, weight in ((3, 1), (4, 3), (5, 2)):
        mask = y_true[..., channel : channel + 1]
        x, y = y_true[..., :3] * mask, prediction * mask
        structure = [(1 - oracle_ssim(i, j)) / 2 for i, j in zip(x, y, strict=True)]
        total += weight * (np.mean(structure) + np.mean((x - y) ** 2))
    return total


def test_the_default_loss_is_the_written_out_formula() -> None:
    truth, prediction = pair()
    y_true = target(truth)
    ours = float(FaceLoss(dtype="float64")(torch.from_numpy(y_true), torch.from_numpy(prediction)))
    assert ours == pytest.approx(formula_of_the_default(y_true, prediction), rel=1e-6)


def test_what_the_mask_excludes_does_not_count_when_penalized() -> None:
    truth, prediction = pair()
    y_true = target(truth)
    y_true[..., 3:] = 0
    y_true[:, 8:16, 8:16, 3] = 1
    elsewhere = prediction.copy()
    elsewhere[:, :8] = 0
    losses = [
        [
            float(FaceLoss(penalized=penalized)(torch.from_numpy(y_true), torch.from_numpy(p)))
            for p in (prediction, elsewhere)
        ]
        for penalized in (True, False)
    ]
    assert losses[0][0] == losses[0][1]
    assert losses[1][0] < losses[1][1]


def test_options_weigh_the_terms() -> None:
    truth, prediction = (torch.from_numpy(x) for x in pair())
    y_true = torch.from_numpy(target(truth.numpy()))
    bare = FaceLoss("mae", eye_multiplier=0, mouth_multiplier=0, penalized=False)
    assert float(bare(y_true, prediction)) == pytest.approx(
        np.abs(truth.numpy() - prediction.numpy()).mean(), rel=1e-6
    )
    half, none = (
        FaceLoss("ssim", l2_reg_term=l2, eye_multiplier=0, mouth_multiplier=0, penalized=False)
        for l2 in (50, 0)
    )
    error = ((truth - prediction) ** 2).mean()
    assert float(half(y_true, prediction) - none(y_true, prediction)) == pytest.approx(
        float(error) / 2, rel=1e-4
    )


def test_mask_loss_compares_with_the_face_mask() -> None:
    truth, _ = pair()
    y_true = target(truth)
    prediction = np.full((*truth.shape[:3], 1), 0.25)
    for function, formula in (("mse", np.square), ("mae", np.abs)):
        ours = MaskLoss(function)(torch.from_numpy(y_true), torch.from_numpy(prediction))
        assert float(ours) == pytest.approx(formula(y_true[..., 3:4] - prediction).mean(), rel=1e-6)


@pytest.mark.parametrize("loss", [FaceLoss("mae", 50, 4, 5, False), MaskLoss("mae")])
def test_configuration_rebuilds_the_loss(loss) -> None:
    again = type(loss).from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
