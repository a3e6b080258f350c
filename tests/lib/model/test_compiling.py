"""Options reach the losses and the optimizer of a model, new or resumed."""

from pathlib import Path
from typing import Any

import keras
import pytest

from lib.config import options, sections
from lib.model.compiling import compile_model, loss_names
from lib.model.losses.face import FaceLoss, MaskLoss

CONFIG = options.merged(cls() for cls in sections.MODEL.values())


def make(channels: tuple[int, ...] = (3,)) -> keras.Model:
    """Outputs of these channels for A, then the like for B."""
    inputs = [keras.Input((8, 8, 3)) for _ in "ab"]
    outputs = [keras.layers.Conv2D(count, 1)(x) for x in inputs for count in channels]
    return keras.Model(inputs, outputs)


def losses(channels: tuple[int, ...] = (3,), **changes: Any) -> list[keras.losses.Loss]:
    model = compile_model(make(channels), CONFIG | changes, "bgr")
    found: list[keras.losses.Loss] = model.loss
    return found


def test_the_losses_are_by_default_the_documented_ones() -> None:
    for loss in losses():
        assert isinstance(loss, FaceLoss)
        assert loss.functions == (("ssim", 1.0),)
        assert (loss.l2_reg_term, loss.eye_multiplier, loss.mouth_multiplier) == (100, 3, 2)
        assert loss.penalized is True


@pytest.mark.parametrize(
    ("option", "value", "attribute", "expected"),
    [
        ("loss_function", "gmsd", "functions", (("gmsd", 1.0),)),
        ("loss_function_3", "mae", "functions", (("ssim", 1.0), ("mae", 1.0))),
        ("l2_reg_term", 250, "l2_reg_term", 250),
        ("eye_multiplier", 7, "eye_multiplier", 7),
        ("mouth_multiplier", 9, "mouth_multiplier", 9),
        ("penalized_mask_loss", False, "penalized", False),
    ],
)
def test_an_option_reaches_the_loss_of_either_side(
    option: str, value: object, attribute: str, expected: object
) -> None:
    assert [getattr(loss, attribute) for loss in losses(**{option: value})] == [expected] * 2


def test_weights_of_further_functions_are_per_cent() -> None:
    more = {"loss_function_2": "mae", "loss_weight_2": 50, "loss_function_4": "ssim"}
    first, _ = losses(**more, loss_weight_4=200)
    assert isinstance(first, FaceLoss)
    assert first.functions == (("ssim", 1.0), ("mae", 0.5), ("ssim", 2.0))


@pytest.mark.parametrize("function", ["mse", "mae"])
def test_an_output_of_one_channel_is_compared_with_the_mask(function: str) -> None:
    face, mask, _, other = losses((3, 1), mask_loss_function=function)
    assert isinstance(face, FaceLoss)
    for loss in (mask, other):
        assert isinstance(loss, MaskLoss)
        assert loss.function == function


def test_the_order_of_colours_reaches_the_loss() -> None:
    model = compile_model(make(), CONFIG, "rgb")
    assert [loss.color_order for loss in model.loss] == ["rgb"] * 2


def test_a_resumed_model_takes_new_options_and_keeps_what_its_optimizer_learned(
    tmp_path: Path,
) -> None:
    model = compile_model(make(), CONFIG, "bgr")
    model.optimizer.iterations.assign(5)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    changes = {"learning_rate": 1e-3, "epsilon_exponent": -4, "eye_multiplier": 1}
    compile_model(again, CONFIG | changes, "bgr")
    assert int(again.optimizer.iterations) == 5
    assert float(again.optimizer.learning_rate) == pytest.approx(1e-3)
    assert again.optimizer.epsilon == pytest.approx(1e-4)
    assert [loss.eye_multiplier for loss in again.loss] == [1, 1]


@pytest.mark.parametrize(
    ("channels", "names"),
    [
        ((3,), ["face_a", "face_b"]),
        ((3, 1), ["face_a", "mask_a", "face_b", "mask_b"]),
        ((3, 3, 1), ["face_a", "face_a_2", "mask_a", "face_b", "face_b_2", "mask_b"]),
    ],
)
def test_losses_are_named_by_what_they_are_of_and_by_side(
    channels: tuple[int, ...], names: list[str]
) -> None:
    assert loss_names(make(channels)) == names
