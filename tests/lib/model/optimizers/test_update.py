"""Our change of the weights against Keras' own; and where it is not to be, no change at all."""

from typing import Any

import keras
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils._python_dispatch import TorchDispatchMode

from lib.model.optimizers.factory import OPTIMIZERS, make_optimizer
from lib.model.optimizers.update import Update

STEPS = 25
# Powers of two: Keras has some numbers in float32.
RATE, DECAY, MOMENTUM = 2.0**-6, 0.25, 0.75
SHAPES = [(3, 3, 5, 4), (4,), (40, 7)]


def make(name: str, dtype: str = "float32", **more: Any) -> tuple[Any, list[keras.Variable]]:
    rng = np.random.default_rng(0)
    variables = [keras.Variable(rng.normal(size=shape), dtype=dtype) for shape in SHAPES]
    config = {
        "optimizer": name,
        "learning_rate": RATE,
        "epsilon_exponent": -3,
        "beta_1": 0.5,
        "beta_2": 0.99,
        "weight_decay": DECAY,
        "average_momentum": MOMENTUM,
    }
    optimizer = make_optimizer(config | more)
    optimizer.build(variables)
    return optimizer, variables


def gradients(step: int, variables: list[keras.Variable]) -> list[torch.Tensor]:
    """Of lengths that change from step to step."""
    rng = np.random.default_rng([step, 1])
    length = 10.0 ** rng.uniform(-3, 1)
    found = [torch.from_numpy(rng.normal(0, length, v.shape)) for v in variables]
    return [g.to(v.value.dtype) for g, v in zip(found, variables, strict=True)]


@torch.no_grad()
def train(update: Update, variables: list[keras.Variable], steps: range) -> None:
    for step in steps:
        update(gradients(step, variables), variables, RATE, MOMENTUM, torch.tensor(True))


def everything(optimizer: Any, variables: list[keras.Variable]) -> list[NDArray[Any]]:
    return [v.numpy().copy() for v in [*variables, *optimizer.variables]]


def assert_equal_bits(ours: list[NDArray[Any]], theirs: list[NDArray[Any]]) -> None:
    assert [x.tobytes() for x in ours] == [y.tobytes() for y in theirs]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("betas", [(0.5, 0.99), (0.9, 0.999), (0.03125, 0.0)])
@pytest.mark.parametrize(("dtype", "error"), [("float32", 1e-5), ("float64", 1e-11)])
def test_it_is_what_keras_applies(
    name: str, betas: tuple[float, float], dtype: str, error: float
) -> None:
    config = {"beta_1": betas[0], "beta_2": betas[1]}
    (ours, weights), (theirs, others) = (make(name, dtype, **config) for _ in "ab")
    train(Update(ours), weights, range(STEPS))
    for step in range(STEPS):
        theirs.apply(gradients(step, others), others)
    for x, y in zip(everything(ours, weights), everything(theirs, others), strict=True):
        np.testing.assert_allclose(x, y, rtol=error, atol=error * np.abs(y).max())


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("bad", [1.0, float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("begun", [0, 3])
@torch.no_grad()
def test_a_bad_step_leaves_every_bit(name: str, bad: float, begun: int) -> None:
    optimizer, weights = make(name)
    # Zeros have a sign, which adding nothing would take away.
    weights[0].value[0].fill_(-0.0)
    update = Update(optimizer)
    train(update, weights, range(begun))
    before = everything(optimizer, weights)
    found = gradients(9, weights)
    for gradient in found:
        gradient[0] *= bad
    update(found, weights, RATE, MOMENTUM, torch.tensor(False))
    assert_equal_bits(everything(optimizer, weights), before)


@pytest.mark.parametrize("name", OPTIMIZERS)
@torch.no_grad()
def test_a_run_with_a_bad_step_is_the_run_without(name: str) -> None:
    (first, weights), (second, others) = make(name), make(name)
    update = Update(first)
    train(update, weights, range(5))
    wrong = [torch.full_like(w.value, torch.nan) for w in weights]
    update(wrong, weights, RATE, MOMENTUM, torch.tensor(False))
    train(update, weights, range(5, 10))
    train(Update(second), others, range(10))
    assert_equal_bits(everything(first, weights), everything(second, others))


@pytest.mark.parametrize("name", OPTIMIZERS)
@torch.no_grad()
def test_weights_without_gradient_stay_and_are_averaged(name: str) -> None:
    optimizer, weights = make(name)
    frozen, trained = weights[1], [weights[0], weights[2]]
    before = frozen.numpy().copy()
    train(Update(optimizer), trained, range(STEPS))
    alone, others = make(name)
    for step in range(STEPS):
        alone.apply(gradients(step, trained), [others[0], others[2]])
    for x, y in zip(everything(optimizer, weights), everything(alone, others), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-5 * np.abs(y).max())
    np.testing.assert_array_equal(frozen.numpy(), before)
    np.testing.assert_array_equal(optimizer._model_variables_moving_average[1].numpy(), before)


@torch.no_grad()
def test_the_rate_and_the_momentum_are_those_of_the_call() -> None:
    optimizer, (weight, *_) = make("lion", weight_decay=0.0)
    update, path = Update(optimizer), [weight.numpy().copy()]
    average = optimizer._model_variables_moving_average[0]
    for rate, momentum in ((0.5, 0.0), (0.125, 0.25)):
        update([torch.ones_like(weight.value)], [weight], rate, momentum, torch.tensor(True))
        path.append(weight.numpy().copy())
    np.testing.assert_allclose(path[1], path[0] - 0.5, atol=1e-6)
    np.testing.assert_allclose(path[2], path[1] - 0.125, atol=1e-6)
    np.testing.assert_allclose(average.numpy(), 0.25 * path[1] + 0.75 * path[2], atol=1e-6)


@pytest.mark.parametrize("is_good", [True, False])
@torch.no_grad()
def test_a_constraint_holds_after_a_good_step(is_good: bool) -> None:
    optimizer, (weight, *_) = make("adam")
    weight.constraint = keras.constraints.NonNeg()
    before = weight.numpy().copy()
    update = Update(optimizer)
    update([torch.ones_like(weight.value)], [weight], RATE, MOMENTUM, torch.tensor(is_good))
    assert (weight.numpy().min() >= 0) == is_good
    assert np.array_equal(weight.numpy(), before) != is_good


@torch.no_grad()
def test_a_weight_that_lies_transposed_in_memory_is_like_any_other() -> None:
    (ours, weights), (theirs, others) = make("adam"), make("adam")
    for variables in (weights, others):
        variables[2].value.data = variables[2].value.data.t().contiguous().t()
    train(Update(ours), weights, range(3))
    for step in range(3):
        theirs.apply(gradients(step, others), others)
    for x, y in zip(everything(ours, weights), everything(theirs, others), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)


class Operations(TorchDispatchMode):
    """Context that counts the operations of torch."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None) -> Any:
        self.count += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_more_weights_take_no_more_operations(name: str) -> None:
    counts = []
    for repeats in (1, 5):
        optimizer, _ = make(name)
        variables = [keras.Variable(np.zeros(shape)) for shape in SHAPES * repeats]
        optimizer = type(optimizer).from_config(optimizer.get_config())
        optimizer.build(variables)
        update = Update(optimizer)
        with Operations() as operations:
            train(update, variables, range(1))
        counts.append(operations.count - 1 - len(variables))
    assert counts[0] == counts[1] < 60
