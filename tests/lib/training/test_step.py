"""The step is Keras' own ``train_on_batch``, mathematically, and more where options ask for it."""

from typing import Any

import keras
import numpy as np
import pytest
import torch

from lib.config import options, sections
from lib.errors import FaceswapError
from lib.model.losses.face import FaceLoss
from lib.model.precision import set_precision
from lib.training.device import describe, to_device, to_pixels
from lib.training.scaling import INITIAL
from lib.training.step import TrainingStep

CONFIG = options.merged(cls() for cls in sections.MODEL.values())
FLOAT16 = {"mixed_precision": True, "mixed_precision_type": "float16"}
RATE = 1e-3


def make(optimizer: keras.optimizers.Optimizer | None = None) -> keras.Model:
    keras.utils.set_random_seed(0)
    code = keras.Input((16, 16, 3))
    encoded = keras.layers.Conv2D(4, 3, padding="same")(code)
    encoder = keras.Model(code, keras.layers.BatchNormalization()(encoded), name="encoder")
    inputs = [keras.Input((16, 16, 3)) for _ in "ab"]
    outputs = [
        keras.layers.Conv2D(3, 3, padding="same", activation="sigmoid")(encoder(x)) for x in inputs
    ]
    model = keras.Model(inputs, outputs)
    optimizer = optimizer or keras.optimizers.Adam(RATE)
    model.compile(optimizer=optimizer, loss=[FaceLoss() for _ in "ab"], jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def step_of(model: keras.Model, frozen: tuple[str, ...] = (), **more: Any) -> TrainingStep:
    return TrainingStep(model, CONFIG | more, frozen)


def batch(seed: int, size: int = 4) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    feeds = [rng.integers(0, 256, (size, 16, 16, 3), dtype=np.uint8) for _ in "ab"]
    return feeds, [rng.integers(0, 256, (size, 16, 16, 6), dtype=np.uint8) for _ in "ab"]


def joined(*batches: tuple[list[np.ndarray], list[np.ndarray]]) -> tuple[Any, Any]:
    return tuple(
        [np.concatenate(parts) for parts in zip(*kind, strict=True)]
        for kind in zip(*batches, strict=True)
    )


def weights(model: keras.Model) -> list[np.ndarray]:
    return [weight.numpy().copy() for weight in model.weights]


def test_three_steps_are_those_of_train_on_batch() -> None:
    ours, theirs = make(), make()
    step = step_of(ours)
    for seed in range(3):
        feeds, targets = batch(seed)
        losses = step([(feeds, targets)], RATE).tolist()
        total, *_ = theirs.train_on_batch(
            [to_device(x) for x in feeds], [to_device(x) for x in targets]
        )
        theirs.reset_metrics()
        np.testing.assert_allclose(sum(losses), total, rtol=1e-5)
    for x, y in zip(weights(ours), weights(theirs), strict=True):
        np.testing.assert_allclose(x, y, atol=2e-6)


def test_the_learning_rate_is_that_of_the_call() -> None:
    models = [make(keras.optimizers.SGD(0.0)) for _ in range(2)]
    before = models[0].trainable_variables[0].numpy().copy()
    changes = []
    for model, rate in zip(models, (0.1, 0.2), strict=True):
        step_of(model)([batch(0)], rate)
        changes.append(model.trainable_variables[0].numpy() - before)
    np.testing.assert_allclose(changes[1], 2 * changes[0], rtol=1e-3, atol=1e-7)


def test_the_average_of_the_weights_moves_by_what_the_momentum_leaves() -> None:
    model = make(keras.optimizers.Adam(RATE, use_ema=True))
    step = step_of(model)
    averages = model.optimizer._model_variables_moving_average
    step([batch(0)], RATE, 0.5)
    first = [weight.numpy().copy() for weight in model.trainable_variables]
    for average, weight in zip(averages, first, strict=True):
        np.testing.assert_array_equal(average.numpy(), weight)
    step([batch(1)], RATE, 0.75)
    for average, old, weight in zip(averages, first, model.trainable_variables, strict=True):
        np.testing.assert_allclose(average.numpy(), 0.75 * old + 0.25 * weight.numpy(), atol=1e-6)


def test_two_batches_in_one_step_are_one_of_twice_the_size() -> None:
    # Without batch statistics, which depend on the batch; inference mode has none.
    parts, whole = make(), make()
    frozen = ("encoder",)
    losses = step_of(parts, frozen)([batch(0), batch(1)], RATE)
    expected = step_of(whole, frozen)([joined(batch(0), batch(1))], RATE)
    torch.testing.assert_close(losses, expected)
    for x, y in zip(weights(parts), weights(whole), strict=True):
        np.testing.assert_allclose(x, y, atol=1e-6)


def test_frozen_layers_keep_weights_and_statistics_and_the_others_learn() -> None:
    model = make()
    before = weights(model)
    step_of(model, ("encoder",))([batch(0)], RATE)
    frozen = {id(weight) for weight in model.get_layer("encoder").weights}
    assert frozen
    for weight, old in zip(model.weights, before, strict=True):
        assert np.array_equal(weight.numpy(), old) == (id(weight) in frozen), weight.path


def test_a_model_that_was_frozen_learns_again() -> None:
    model = make()
    step_of(model, ("encoder",))([batch(0)], RATE)
    kernel = model.get_layer("encoder").weights[0]
    before = kernel.numpy().copy()
    step_of(model)([batch(0)], RATE)
    assert not np.array_equal(kernel.numpy(), before)


def test_a_weight_without_use_is_left_alone() -> None:
    model = make()
    spare = keras.layers.Dense(1, name="spare")
    spare.build((None, 3))
    model.spare = spare
    model.optimizer = None
    model.compile(optimizer=keras.optimizers.Adam(RATE), loss=model.loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    assert any(weight is spare.kernel for weight in model.trainable_variables)
    before = spare.kernel.numpy().copy()
    step_of(model, gradient_clipping="global_norm")([batch(0)], RATE)
    np.testing.assert_array_equal(spare.kernel.numpy(), before)


def test_nothing_left_to_train_is_a_mistake() -> None:
    model = make()
    names = tuple(layer.name for layer in model.layers if layer.weights)
    with pytest.raises(FaceswapError, match="leaves nothing to train"):
        step_of(model, names)


def test_gradients_are_clipped_before_the_update() -> None:
    model = make(keras.optimizers.SGD(1.0))
    before = [weight.numpy().copy() for weight in model.trainable_variables]
    step = step_of(model, gradient_clipping="global_norm", clipping_value=1e-3)
    step([batch(0)], 1.0)
    changes = [
        weight.numpy() - old for weight, old in zip(model.trainable_variables, before, strict=True)
    ]
    norm = np.sqrt(sum(np.square(change, dtype=np.float64).sum() for change in changes))
    assert norm == pytest.approx(1e-3, rel=1e-3)


def test_a_scaled_loss_gives_the_same_step() -> None:
    # The layers stay in float32 here: the scale alone is looked at.
    plain, scaled = make(), make()
    losses = [step_of(plain)([batch(0)], RATE), step_of(scaled, **FLOAT16)([batch(0)], RATE)]
    torch.testing.assert_close(losses[0], losses[1])
    for x, y in zip(weights(plain), weights(scaled), strict=True):
        np.testing.assert_allclose(x, y, atol=1e-6)


def test_a_step_that_overflows_float16_is_skipped_and_the_scale_halved() -> None:
    model = make()
    set_precision(model, "mixed_float16")
    step = step_of(model, **FLOAT16)
    step._scale.scale = 2.0**40
    before = [weight.numpy().copy() for weight in model.trainable_variables]
    step([batch(0)], RATE)
    for weight, old in zip(model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)
    assert step.state()["loss_scale"] == {"scale": 2.0**39, "good_steps": 0}
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_half_precision_trains_about_as_float32_does(kind: str) -> None:
    found = {}
    for name in ("float32", f"mixed_{kind}"):
        model = make(keras.optimizers.SGD(0.0))
        set_precision(model, name)
        half = {"mixed_precision": name != "float32", "mixed_precision_type": kind}
        step = step_of(model, **half)
        found[name] = [float(step([batch(0)], 0.05).sum()) for _ in range(20)]
    plain, mixed = found.values()
    assert plain[-1] < plain[0]
    np.testing.assert_allclose(mixed, plain, rtol=0.02)


def test_the_state_of_a_step_is_what_the_next_run_goes_on_from() -> None:
    step = step_of(make(), gradient_clipping="autoclip", **FLOAT16)
    step([batch(0)], RATE)
    again = step_of(make(), gradient_clipping="autoclip", **FLOAT16)
    again.restore(step.state())
    assert again.state() == step.state()
    assert step.state()["loss_scale"] == {"scale": INITIAL, "good_steps": 1}
    assert len(step.state()["clipping"]["norms"]) == 1


def test_pixels_go_to_the_device_and_back_unchanged() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    floats = to_device(pixels)
    assert float(floats.min()) == 0
    assert float(floats.max()) == 1
    np.testing.assert_array_equal(to_pixels(floats), pixels)


def test_the_device_is_named_in_words() -> None:
    assert describe() in ("1 CPU thread", f"{torch.get_num_threads()} CPU threads")
