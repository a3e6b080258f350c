"""The step is Keras' own ``train_on_batch``, mathematically, and more where options ask for it."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest
import torch

from lib.device import to_device
from lib.errors import FaceswapError
from lib.model.losses.face import FaceLoss, MaskLoss
from lib.model.precision import set_precision
from lib.training.scaling import INITIAL, SMALLEST
from tests.fixtures.small_step import (
    FLOAT16,
    RATE,
    Spoiled,
    batch,
    everything,
    joined,
    linear,
    make,
    spoilable,
    step_of,
    weights,
)


def test_three_steps_are_those_of_train_on_batch() -> None:
    ours, theirs = make(), make()
    step = step_of(ours)
    for seed in range(3):
        feeds, targets = batch(seed)
        losses = step([(feeds, targets)], RATE).losses.tolist()
        total, *_ = theirs.train_on_batch(
            [to_device(x) for x in feeds], [to_device(x) for x in targets]
        )
        theirs.reset_metrics()
        np.testing.assert_allclose(sum(losses), total, rtol=1e-5)
    for x, y in zip(weights(ours), weights(theirs), strict=True):
        np.testing.assert_allclose(x, y, atol=2e-6)


def test_the_learning_rate_is_that_of_the_call() -> None:
    models = [make(linear()) for _ in range(2)]
    before = models[0].trainable_variables[0].numpy().copy()
    changes = []
    for model, rate in zip(models, (100.0, 200.0), strict=True):
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
    outcome = step_of(parts, frozen)([batch(0), batch(1)], RATE)
    expected = step_of(whole, frozen)([joined(batch(0), batch(1))], RATE)
    torch.testing.assert_close(outcome.losses, expected.losses)
    torch.testing.assert_close(outcome.spread, expected.spread)
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
    model = make(linear())
    before = [weight.numpy().copy() for weight in model.trainable_variables]
    step = step_of(model, gradient_clipping="global_norm", clipping_value=1e-3)
    step([batch(0)], 1e3)
    changes = [
        weight.numpy() - old for weight, old in zip(model.trainable_variables, before, strict=True)
    ]
    norm = np.sqrt(sum(np.square(change, dtype=np.float64).sum() for change in changes))
    assert norm == pytest.approx(1e-3, rel=1e-3)


def test_a_scaled_loss_gives_the_same_step() -> None:
    # The layers stay in float32 here: the scale alone is looked at.
    plain, scaled = make(), make()
    first, second = step_of(plain)([batch(0)], RATE), step_of(scaled, **FLOAT16)([batch(0)], RATE)
    torch.testing.assert_close(first.losses, second.losses)
    for x, y in zip(weights(plain), weights(scaled), strict=True):
        np.testing.assert_allclose(x, y, atol=1e-6)


@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_half_precision_trains_about_as_float32_does(kind: str) -> None:
    found = {}
    for name in ("float32", f"mixed_{kind}"):
        model = make(linear())
        set_precision(model, name)
        half = {"mixed_precision": name != "float32", "mixed_precision_type": kind}
        step = step_of(model, **half)
        found[name] = [float(step([batch(0)], 50.0).losses.sum()) for _ in range(20)]
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


BAD = [
    {"factor": float("nan")},
    {"factor": float("inf")},
    {"gradient_factor": float("nan")},
    {"gradient_factor": -float("inf")},
]


@pytest.mark.parametrize("wrong", BAD)
@pytest.mark.parametrize("clipping", [None, "norm", "global_norm", "value", "autoclip"])
def test_a_bad_step_changes_nothing_and_the_next_one_trains(
    wrong: dict[str, float], clipping: str | None
) -> None:
    model, step, loss = spoilable(gradient_clipping=clipping)
    assert bool(step([batch(0)], RATE, 0.5).is_good)
    before = everything(model)
    vars(loss).update(wrong)
    assert not bool(step([batch(1)], RATE, 0.5).is_good)
    assert everything(model) == before
    vars(loss).update(factor=1.0, gradient_factor=1.0)
    outcome = step([batch(1)], RATE, 0.5)
    assert bool(outcome.is_good)
    assert outcome.losses.isfinite().all()
    assert everything(model) != before


def test_a_run_with_a_bad_step_is_the_run_without() -> None:
    (model, step, loss), (other, whole, _) = spoilable(), spoilable()
    for seed in range(4):
        loss.factor = float("nan") if seed == 2 else 1.0
        step([batch(seed)], RATE, 0.5)
        if seed != 2:
            whole([batch(seed)], RATE, 0.5)
    assert everything(model) == everything(other)


def test_one_bad_batch_of_several_spoils_the_step() -> None:
    class SpoiledOnce(Spoiled):
        factors = iter([1.0, float("nan"), 1.0])

        @property
        def factor(self) -> float:
            return next(self.factors)

    model = make()
    model.loss = [FaceLoss(), SpoiledOnce()]
    step = step_of(model)
    before = everything(model)
    assert not bool(step([batch(seed) for seed in range(3)], RATE).is_good)
    assert everything(model) == before


@pytest.mark.parametrize("wrong", BAD)
def test_without_protection_a_bad_step_is_taken_and_told(wrong: dict[str, float]) -> None:
    model, step, loss = spoilable(nan_protection=False)
    vars(loss).update(wrong)
    assert not bool(step([batch(0)], RATE).is_good)
    assert not all(np.isfinite(weight).all() for weight in weights(model))
    assert int(model.optimizer.iterations) == 1


@pytest.mark.parametrize("protection", [True, False])
def test_a_step_that_overflows_float16_is_skipped_and_not_held_against_it(protection: bool) -> None:
    model, step, loss = spoilable(**FLOAT16, nan_protection=protection)
    before = everything(model)
    loss.gradient_factor = float("inf")
    outcome = step([batch(0)], RATE)
    assert bool(outcome.is_good)
    assert everything(model) == before
    assert step.state()["loss_scale"] == {"scale": INITIAL / 2, "good_steps": 0}


def test_a_layer_in_float16_that_overflows_is_skipped() -> None:
    model = make()
    set_precision(model, "mixed_float16")
    step = step_of(model, **FLOAT16)
    step._scale.scale.fill_(2.0**40)
    before = everything(model)
    assert bool(step([batch(0)], RATE).is_good)
    assert everything(model) == before


def test_gradients_that_overflow_under_the_smallest_scale_are_bad() -> None:
    model, step, loss = spoilable(**FLOAT16)
    step.restore({"loss_scale": {"scale": SMALLEST * 2, "good_steps": 3}})
    before = everything(model)
    loss.gradient_factor = float("inf")
    assert [bool(step([batch(0)], RATE).is_good) for _ in range(3)] == [True, False, False]
    assert everything(model) == before
    assert step.state()["loss_scale"] == {"scale": SMALLEST, "good_steps": 0}


def test_a_loss_that_is_no_number_is_bad_in_float16_too() -> None:
    model, step, loss = spoilable(**FLOAT16)
    before = everything(model)
    loss.factor = float("nan")
    assert not bool(step([batch(0)], RATE).is_good)
    assert everything(model) == before


TOGETHER = """
    import sys
    from datetime import timedelta
    import torch.distributed as dist
    from tests.fixtures import small_step as here

    rank = int(sys.argv[1])
    store = dist.FileStore(sys.argv[2], 2)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model = here.make()
    # The loss of one process is no number; its gradients are, and so are their means over both.
    spoiled = float("nan") if rank else 0.0
    model.loss[1].call = lambda truth, face: face.mean(dim=(1, 2, 3)) + spoiled
    step = here.TrainingStep(model, here.CONFIG, is_shared=True)
    before = here.everything(model)
    outcome = step([here.batch(rank)], here.RATE)
    print(bool(outcome.is_good), here.everything(model) == before)
    spoiled = 0.0
    print(bool(step([here.batch(rank)], here.RATE).is_good))
    dist.destroy_process_group()
"""


@pytest.mark.slow
def test_where_one_process_finds_a_step_bad_no_process_takes_it(tmp_path: Path) -> None:
    words = [sys.executable, "-c", textwrap.dedent(TOGETHER)]
    environment = {**os.environ, "KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    runs = [
        subprocess.Popen(
            [*words, str(rank), str(tmp_path / "store")],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    found = [run.communicate(timeout=120) for run in runs]
    assert [out.split() for out, _ in found] == [["False", "True", "True"]] * 2, found


def test_the_spread_is_the_ratio_of_the_standard_deviations() -> None:
    inputs = [keras.Input((16, 16, 3)) for _ in "ab"]
    half = keras.layers.Conv2D(3, 1, use_bias=False)
    faces = [half(x) for x in inputs]
    masks = [keras.layers.Conv2D(1, 1)(x) for x in inputs]
    model = keras.Model(inputs, [faces[0], masks[0], faces[1], masks[1]])
    half.kernel.assign(0.5 * np.eye(3).reshape(1, 1, 3, 3))
    loss = [FaceLoss(), MaskLoss()] * 2
    model.compile(optimizer=keras.optimizers.Adam(RATE), loss=loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    feeds, targets = batch(0)
    targets[1][:, :, :, :3] //= 4
    spread = step_of(model)([(feeds, [x for x in targets for _ in range(2)])], RATE).spread

    def deviations(pixels: np.ndarray) -> np.ndarray:
        return (pixels[..., :3].astype(np.float64) / 255).std(axis=(1, 2, 3))

    expected = [
        np.mean(0.5 * deviations(feed) / deviations(target))
        for feed, target in zip(feeds, targets, strict=True)
    ]
    assert expected[1] > 3 * expected[0]
    np.testing.assert_allclose(spread[[0, 2]].numpy(), expected, rtol=0.02)
    assert spread[[1, 3]].tolist() == [1.0, 1.0]
    assert not spread.requires_grad


def test_a_truth_of_one_colour_has_a_spread_that_is_a_number() -> None:
    feeds, targets = batch(0)
    targets[0][:] = 100
    spread = step_of(make())([(feeds, targets)], RATE).spread
    assert spread.isfinite().all()
    assert spread[0] > 10
