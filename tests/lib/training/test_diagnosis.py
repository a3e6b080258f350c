"""A bad iteration is traced to what made it bad, and the model stays as it was."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import keras
import numpy as np
import pytest
import torch
from torch import Tensor

from lib.config import options, sections
from lib.model.compiling import compile_model
from lib.model.losses import face
from lib.training import diagnosis
from lib.training.diagnosis import NO_MEMORY, SOUND, diagnose
from lib.training.step import TrainingStep

CONFIG = options.merged(cls() for cls in sections.MODEL.values())
MARK = 255
"""A target of this colour in its first pixel is one that the broken function chokes on."""


class BrokenRoot(keras.layers.Layer):
    """Adds a root at 0, which is 0, and whose gradient is not finite."""

    def call(self, x: Tensor) -> Tensor:
        return x + torch.sqrt(x - x.detach())


def make(broken: bool = False, **more: Any) -> keras.Model:
    """A model of 16 pixels with dropout and statistics of batches, and a mask on each side."""
    keras.utils.set_random_seed(0)
    code = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", name="first")(code)
    x = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(x))
    encoder = keras.Model(code, x, name="encoder")
    inputs, outputs = [keras.Input((16, 16, 3)) for _ in "ab"], []
    for side, input_ in zip("ab", inputs, strict=True):
        encoded = encoder(input_)
        if broken and side == "b":
            encoded = BrokenRoot()(encoded)
        for kind, channels in (("face", 3), ("mask", 1)):
            outputs.append(
                keras.layers.Conv2D(
                    channels, 3, padding="same", activation="sigmoid", name=f"{kind}_{side}"
                )(encoded)
            )
    return compile_model(keras.Model(inputs, outputs), CONFIG | more, "bgr")


def batch(seed: int, size: int = 4) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    feeds = [rng.integers(0, 255, (size, 16, 16, 3), dtype=np.uint8) for _ in "ab"]
    targets = [rng.integers(0, 255, (size, 16, 16, 6), dtype=np.uint8) for _ in "aabb"]
    return feeds, targets


def marked(sides: tuple[list[np.ndarray], list[np.ndarray]], output: int, *rows: int) -> Any:
    sides[1][output][rows, 0, 0, 0] = MARK
    # The masks leave it.
    sides[1][output][rows, 0, 0, 3:] = 255
    return sides


def chokes(value: float) -> Callable[[Tensor, Tensor], Tensor]:
    """A loss function that gives `value` for marked pictures."""

    def function(truth: Tensor, prediction: Tensor) -> Tensor:
        is_marked = truth[:, 0, 0, 0] == 1
        plain = (truth - prediction).abs().mean(dim=(1, 2, 3))
        return torch.where(is_marked, torch.full_like(plain, value), plain)

    return function


def steep(truth: Tensor, prediction: Tensor) -> Tensor:
    """Finite, with a gradient that is not finite for marked pictures."""
    gap = (truth - prediction).mean(dim=(1, 2, 3))
    is_marked = truth[:, 0, 0, 0] == 1
    return gap.abs() + torch.sqrt(torch.where(is_marked, gap - gap.detach(), gap**2 + 1))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_function_is_named_with_side_and_faces(monkeypatch, value: float) -> None:
    monkeypatch.setitem(face.FUNCTIONS, "broken", chokes(value))
    model = make(loss_function="mae", loss_function_2="broken", loss_weight_2=50)
    batches = [marked(batch(0), 0, 1, 3), batch(1), marked(batch(2), 0, 2)]
    found = diagnose(model, batches)
    assert found.text == "loss function 'broken' of face_a (side A) is not finite"
    assert found.rows == {"a": [1, 3, 10]}


def test_a_part_of_the_face_is_named(monkeypatch) -> None:
    monkeypatch.setitem(face.FUNCTIONS, "broken", chokes(np.nan))
    model = make(loss_function="broken")
    sides = marked(batch(0), 2, 0)
    sides[1][2][0, 0, 0, 3:] = 0, 255, 0
    found = diagnose(model, [sides])
    assert found.text == "loss function 'broken' on the eyes of face_b (side B) is not finite"
    assert found.rows == {"b": [0]}


def test_a_gradient_is_named_where_the_loss_itself_is_finite(monkeypatch) -> None:
    monkeypatch.setitem(face.FUNCTIONS, "steep", steep)
    model = make(loss_function="steep")
    found = diagnose(model, [marked(batch(0), 2, 2)])
    expected = "the gradient of loss function 'steep' of face_b (side B) is not finite"
    assert found.text == expected
    assert found.rows == {"b": [2]}


def test_the_l2_term_and_the_function_of_the_mask_are_named(monkeypatch) -> None:
    model = make(loss_function="ssim")
    monkeypatch.setattr(face, "mse", chokes(np.nan))
    for loss in model.loss[::2]:
        loss._weighted = loss._weighted_functions()
    monkeypatch.setitem(face.FUNCTIONS, "mse", lambda *_: torch.full((4,), torch.nan))
    found = diagnose(model, [marked(batch(0), 0, 1)])
    assert found.text.split("; ") == [
        "L2 term (l2_reg_term) of face_a (side A) is not finite",
        "mask_loss_function 'mse' of mask_a (side A) is not finite",
        "mask_loss_function 'mse' of mask_b (side B) is not finite",
    ]
    assert found.rows == {"a": [0, 1, 2, 3], "b": [0, 1, 2, 3]}


def test_a_weight_that_is_no_number_shows_in_the_output_of_its_side() -> None:
    model = make()
    model.get_layer("face_b").bias.assign([0.0, np.nan, 0.0])
    found = diagnose(model, [batch(0)])
    assert found.text == "the model's own output face_b (side B) is not finite"
    assert found.rows == {"b": [0, 1, 2, 3]}
    model.get_layer("encoder").get_layer("first").bias.assign([np.nan] * 4)
    found = diagnose(model, [batch(0)])
    assert found.text.count("the model's own output") == 4
    assert set(found.rows) == {"a", "b"}


def test_a_gradient_inside_the_model_is_traced_to_the_weights_next_to_it() -> None:
    found = diagnose(make(broken=True), [batch(0)])
    inner = "is not finite"
    assert [part.split(" at weight ")[0] for part in found.text.split("; ")] == [
        "the gradient of face_b (side B)",
        "the gradient of mask_b (side B)",
    ]
    assert found.text.endswith(inner)
    assert "encoder" in found.text or "batch_normalization" in found.text
    assert found.rows == {}


def test_nothing_wrong_is_said_too() -> None:
    assert diagnose(make(), [batch(0), batch(1)]) is SOUND
    assert diagnose(make(), [batch(0)], frozen=("encoder",)) is SOUND


def test_memory_that_runs_out_is_no_error(monkeypatch) -> None:
    def full(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(diagnosis, "JoinedGraph", full)
    assert diagnose(make(), [batch(0)]) is NO_MEMORY


def test_memory_that_runs_out_as_a_batch_is_made_is_no_error() -> None:
    def made() -> Iterator[Any]:
        yield batch(0)
        raise torch.OutOfMemoryError("CUDA out of memory")

    assert diagnose(make(), made()) is NO_MEMORY


def test_random_numbers_are_put_back_on_the_device_that_computes(monkeypatch) -> None:
    forked = []

    def fork(devices: list[torch.device]) -> nullcontext[None]:
        forked.append(devices)
        return nullcontext()

    card = torch.device("cuda:1")
    monkeypatch.setattr(diagnosis, "is_cuda", lambda: True)
    monkeypatch.setattr(diagnosis, "device", lambda: card)
    monkeypatch.setattr(diagnosis.torch.random, "fork_rng", fork)
    assert diagnose(make(), [batch(0)]) is SOUND
    assert forked == [[card]]


@pytest.mark.parametrize("is_bad", [False, True])
def test_model_gradients_and_random_numbers_stay_as_they_are(monkeypatch, is_bad: bool) -> None:
    monkeypatch.setitem(face.FUNCTIONS, "broken", chokes(np.nan))
    model = make(loss_function="broken")
    TrainingStep(model, CONFIG)
    variables = [*model.variables, *model.optimizer.variables]
    before = [variable.numpy().copy() for variable in variables]
    state, of_numpy = torch.get_rng_state(), np.random.get_state()[1].copy()
    sides = marked(batch(0), 0, 0) if is_bad else batch(0)
    assert (diagnose(model, [sides]) is SOUND) != is_bad
    for variable, old in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old, err_msg=variable.path)
    assert all(weight.value.grad is None for weight in model.variables)
    assert all(weight.value.requires_grad for weight in model.trainable_variables)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], of_numpy)


@pytest.mark.parametrize("is_bad", [False, True])
def test_weights_that_layers_assign_stay_as_they_are(monkeypatch, is_bad: bool) -> None:
    monkeypatch.setitem(face.FUNCTIONS, "broken", chokes(np.nan))
    inputs, outputs = [keras.Input((16, 16, 3)) for _ in "ab"], []
    for side, input_ in zip("ab", inputs, strict=True):
        for kind, channels in (("face", 3), ("mask", 1)):
            layer = keras.layers.Conv2D(channels, 3, padding="same", activation="sigmoid")
            name = f"{kind}_{side}"
            outputs.append(keras.layers.SpectralNormalization(layer, name=name)(input_))
    config = CONFIG | {"loss_function": "broken"}
    model = compile_model(keras.Model(inputs, outputs), config, "bgr")
    before = [variable.numpy().copy() for variable in model.variables]
    sides = marked(batch(0), 0, 0) if is_bad else batch(0)
    assert (diagnose(model, [sides]) is SOUND) != is_bad
    for variable, old in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old, err_msg=variable.path)


def test_training_goes_on_as_if_nothing_had_been_asked() -> None:
    trained = []
    for asks in (True, False):
        model = make()
        step = TrainingStep(model, CONFIG)
        for seed in range(3):
            if asks:
                diagnose(model, [batch(seed)])
            step([batch(seed)], 1e-3)
        trained.append(model.variables)
    for ours, theirs in zip(*trained, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), err_msg=ours.path)
