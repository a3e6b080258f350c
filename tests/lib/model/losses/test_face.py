"""The loss of an output against formulas written out in NumPy."""

import inspect
import json

import keras
import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from lib.model.losses.face import FUNCTIONS, FaceLoss, MaskLoss


def target(truth: np.ndarray) -> np.ndarray:
    masks = np.random.default_rng(1).random((*truth.shape[:3], 3)).round()
    return np.concatenate([truth, masks], axis=-1)


@pytest.fixture
def batch(pictures) -> tuple[torch.Tensor, torch.Tensor]:
    """A target with its masks, and a prediction, in single precision."""
    truth, prediction = pictures()
    return torch.from_numpy(target(truth)).float(), torch.from_numpy(prediction).float()


def formula_of_the_default(y_true: np.ndarray, prediction: np.ndarray) -> float:
    """ssim and L2 on the face, three times on the eyes, twice on the mouth, in float64."""
    total = 0.0
    for channel, weight in ((3, 1), (4, 3), (5, 2)):
        mask = y_true[..., channel : channel + 1]
        for x, y in zip(y_true[..., :3] * mask, prediction * mask, strict=True):
            similarity = structural_similarity(
                x,
                y,
                gaussian_weights=True,
                use_sample_covariance=False,
                data_range=1.0,
                channel_axis=-1,
            )
            total += weight * ((1 - similarity) / 2 + np.mean((x - y) ** 2)) / len(y_true)
    return total


def test_the_default_loss_is_the_written_out_formula(pictures) -> None:
    truth, prediction = pictures()
    y_true = target(truth)
    loss = FaceLoss(dtype="float64")
    ours = float(loss(torch.from_numpy(y_true), torch.from_numpy(prediction)))
    assert ours == pytest.approx(formula_of_the_default(y_true, prediction), rel=1e-7)


def test_functions_are_summed_by_weight_and_one_may_stand_twice(batch) -> None:
    functions = [("mae", 1), ("laploss", 0.5), ("flip", 0.25), ("mae", 2)]
    expected = 0.0
    for channel, weight in ((3, 1), (4, 7), (5, 11)):
        mask = batch[0][..., channel : channel + 1]
        x, y = batch[0][..., :3] * mask, batch[1] * mask
        for name, share in (("mae", 3), ("laploss", 0.5), ("flip", 0.25)):
            expected += weight * share * FUNCTIONS[name](x, y).mean()
    ours = FaceLoss(functions, eye_multiplier=7, mouth_multiplier=11)(*batch)
    torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_l2_goes_with_a_first_function_that_is_blind_to_a_shift(name: str, batch) -> None:
    options = {"eye_multiplier": 0, "mouth_multiplier": 0, "penalized": False}
    functions = [(name, 1), ("ffl", 1), ("ssim", 1)]
    half, none = (FaceLoss(functions, l2_reg_term=l2, **options)(*batch) for l2 in (50, 0))
    error = ((batch[0][..., :3] - batch[1]) ** 2).mean()
    expected = error / 2 if name in ("ssim", "ms_ssim", "gmsd") else 0.0
    assert float(half - none) == pytest.approx(float(expected), rel=1e-3, abs=1e-9)


def test_what_the_mask_excludes_does_not_count_when_penalized(pictures) -> None:
    truth, prediction = pictures()
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


def test_colours_are_taken_in_the_order_of_the_model(batch) -> None:
    y_true, prediction = batch
    swapped = torch.cat([y_true[..., :3].flip(-1), y_true[..., 3:]], dim=-1)
    functions = [("flip", 1.0)]
    bgr = FaceLoss(functions)(y_true, prediction)
    rgb = FaceLoss(functions, color_order="rgb")(swapped, prediction.flip(-1))
    torch.testing.assert_close(bgr, rgb)
    assert float(FaceLoss(functions, color_order="rgb")(*batch)) != pytest.approx(float(bgr))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_predictions_of_half_precision_are_compared_in_single(name, dtype, batch) -> None:
    y_true, prediction = batch[0], batch[1].to(dtype)
    for loss in (FaceLoss([(name, 1.0)]), FaceLoss([(name, 1.0)], penalized=False)):
        ours = loss.call(y_true, prediction)
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, loss.call(y_true, prediction.float()))
    y_true, prediction = y_true.to(dtype), prediction[..., :1]
    expected = MaskLoss().call(y_true.float(), prediction.float())
    torch.testing.assert_close(MaskLoss().call(y_true, prediction), expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_mask_and_no_picture_leave_the_gradient_finite(name: str, batch) -> None:
    y_true = batch[0].clone()
    y_true[0] = 0
    y_true[1, ..., 4:] = 0
    prediction = batch[1].clone().requires_grad_()
    value = FaceLoss([(name, 1.0)])(y_true, prediction)
    (gradient,) = torch.autograd.grad(value, prediction)
    assert torch.isfinite(gradient).all()
    assert (gradient[0] == 0).all()
    assert (gradient[1] != 0).any()


def test_mask_loss_compares_with_the_face_mask(pictures) -> None:
    truth, _ = pictures()
    y_true = target(truth)
    prediction = np.full((*truth.shape[:3], 1), 0.25)
    for function, formula in (("mse", np.square), ("mae", np.abs)):
        ours = MaskLoss(function)(torch.from_numpy(y_true), torch.from_numpy(prediction))
        assert float(ours) == pytest.approx(formula(y_true[..., 3:4] - prediction).mean(), rel=1e-6)


LOSSES = [
    FaceLoss(),
    FaceLoss((("mae", 1), ("flip", 0.5), ("mae", 2)), 50, 4, 5, False, "rgb", "mine"),
    MaskLoss("mae"),
]


@pytest.mark.parametrize("loss", LOSSES, ids=["default", "all changed", "mask"])
def test_configuration_rebuilds_the_loss_through_json(loss) -> None:
    stored = json.loads(json.dumps(loss.get_config()))
    again = type(loss).from_config(stored)
    for name in inspect.signature(type(loss)).parameters.keys() - {"kwargs"}:
        assert getattr(again, name) == getattr(loss, name)
    assert again.get_config() == stored
    keras_stores = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    assert keras.saving.deserialize_keras_object(keras_stores).get_config() == stored


def test_a_loss_of_one_function_without_a_weight_can_still_be_read(batch) -> None:
    stored = {"function": "mae", "l2_reg_term": 50, "name": "face_loss"}
    again = FaceLoss.from_config(stored)
    torch.testing.assert_close(again(*batch), FaceLoss([("mae", 1)], l2_reg_term=50)(*batch))
    assert "function" in stored


@pytest.mark.parametrize("loss", [*LOSSES, FaceLoss([("gmsd", 2), ("ffl", 1)], l2_reg_term=0)])
def test_the_parts_add_up_to_the_loss(loss, pictures) -> None:
    truth, prediction = pictures()
    y_true = torch.from_numpy(target(truth)).float()
    y_pred = torch.from_numpy(prediction).float()
    y_pred = y_pred[..., :1] if isinstance(loss, MaskLoss) else y_pred
    parts = dict(loss.parts(y_true, y_pred))
    assert all(share.shape == (len(truth),) for share in parts.values())
    pairs = list(loss.parts(y_true, y_pred))
    torch.testing.assert_close(
        torch.stack([share for _, share in pairs]).sum(dim=0), loss.call(y_true, y_pred)
    )


def test_the_parts_say_which_function_and_which_area(batch) -> None:
    assert [name for name, _ in FaceLoss([("ssim", 1), ("mae", 1)]).parts(*batch)] == [
        f"{what}{where}"
        for where in ("", " on the eyes", " on the mouth")
        for what in ("loss function 'ssim'", "loss function 'mae'", "L2 term (l2_reg_term)")
    ]
