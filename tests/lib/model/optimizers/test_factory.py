"""Optimizers against torch's own, and against their formulas written out in NumPy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lib.errors import FaceswapError
from lib.model.optimizers.factory import OPTIMIZERS, adopt, make_optimizer

Weights = list[NDArray[np.float64]]
Formula = Callable[[NDArray[np.float64], dict[str, Any], dict[str, Any], int], NDArray[np.float64]]

# Powers of two, as are the momenta below: Keras has some numbers in float32.
RATE, DECAY = 2.0**-6, 0.25
STEPS = 30


def options(name: str, **more: Any) -> dict[str, Any]:
    return {
        "optimizer": name,
        "learning_rate": RATE,
        "epsilon_exponent": -2,
        "beta_1": 0.5,
        "beta_2": 0.99,
        "weight_decay": 0.0,
        "average_momentum": 0.0,
        **more,
    }


def start() -> Weights:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(3, 2)), rng.normal(size=4)]


def gradient(weights: Weights, step: int) -> Weights:
    """Of a quadratic bowl, steeper for some weights than for others, with noise."""
    rng = np.random.default_rng(step)
    return [np.exp(w.size) / 50 * (w - 0.3) + rng.normal(0, 0.1, w.shape) for w in weights]


def trained(
    optimizer: keras.optimizers.Optimizer, variables: list[keras.Variable], steps: range
) -> list[Weights]:
    """Weights after each step."""
    path = []
    for step in steps:
        gradients = gradient([v.numpy() for v in variables], step)
        optimizer.apply([torch.from_numpy(g) for g in gradients], variables)
        path.append([v.numpy().copy() for v in variables])
    return path


def ours(config: dict[str, Any]) -> list[Weights]:
    variables = [keras.Variable(w, dtype="float64") for w in start()]
    return trained(make_optimizer(config), variables, range(STEPS))


def of_torch(make: Callable[[list[torch.Tensor]], torch.optim.Optimizer]) -> list[Weights]:
    weights = [torch.from_numpy(w).requires_grad_() for w in start()]
    optimizer = make(weights)
    path = []
    for step in range(STEPS):
        values = [w.detach().numpy() for w in weights]
        for weight, value in zip(weights, gradient(values, step), strict=True):
            weight.grad = torch.from_numpy(value)
        optimizer.step()
        path.append([w.detach().numpy().copy() for w in weights])
    return path


def of_formula(update: Formula, config_of: Callable[[int], dict[str, Any]]) -> list[Weights]:
    """Every formula has weight decay before its own change of the weights."""
    weights = start()
    states: list[dict[str, Any]] = [{}, {}]
    path = []
    for step in range(STEPS):
        config = config_of(step)
        config["epsilon"] = 10.0 ** config["epsilon_exponent"]
        rate = config["learning_rate"]
        gradients = gradient(weights, step)
        weights = [
            w * (1 - rate * config["weight_decay"]) - rate * update(g, state, config, step + 1)
            for w, g, state in zip(weights, gradients, states, strict=True)
        ]
        path.append(weights)
    return path


def remember(state: dict[str, Any], name: str, beta: float, value: Any) -> Any:
    state[name] = beta * state.get(name, 0.0) + (1 - beta) * value
    return state[name]


def adam(g: Any, state: dict[str, Any], config: dict[str, Any], t: int) -> Any:
    m = remember(state, "m", config["beta_1"], g)
    v = remember(state, "v", config["beta_2"], g**2)
    correction = np.sqrt(1 - config["beta_2"] ** t) / (1 - config["beta_1"] ** t)
    return correction * m / (np.sqrt(v) + config["epsilon"])


def nadam(g: Any, state: dict[str, Any], config: dict[str, Any], t: int) -> Any:
    m = remember(state, "m", config["beta_1"], g)
    v = remember(state, "v", config["beta_2"], g**2)
    now, soon = (config["beta_1"] * (1 - 0.5 * 0.96**step) for step in (t, t + 1))
    state["product"] = state.get("product", 1.0) * now
    m_hat = soon * m / (1 - state["product"] * soon) + (1 - now) * g / (1 - state["product"])
    return m_hat / (np.sqrt(v / (1 - config["beta_2"] ** t)) + config["epsilon"])


def rms_prop(g: Any, state: dict[str, Any], config: dict[str, Any], t: int) -> Any:
    v = remember(state, "v", config["beta_2"], g**2)
    return g / np.sqrt(v + config["epsilon"])


def lion(g: Any, state: dict[str, Any], config: dict[str, Any], t: int) -> Any:
    direction = np.sign(config["beta_1"] * state.get("m", 0.0) + (1 - config["beta_1"]) * g)
    remember(state, "m", config["beta_2"], g)
    return direction


def adabelief(g: Any, state: dict[str, Any], config: dict[str, Any], t: int) -> Any:
    m = remember(state, "m", config["beta_1"], g)
    s = remember(state, "s", config["beta_2"], (g - m) ** 2) + config["epsilon"]
    state["s"] = s
    m_hat, s_hat = m / (1 - config["beta_1"] ** t), s / (1 - config["beta_2"] ** t)
    return m_hat / (np.sqrt(s_hat) + config["epsilon"])


FORMULAS: dict[str, Formula] = {
    "adam": adam,
    "adamw": adam,
    "nadam": nadam,
    "adabelief": adabelief,
    "rms-prop": rms_prop,
    "lion": lion,
}


def assert_same(path: list[Weights], other: list[Weights], rtol: float = 1e-11) -> None:
    for step, (ours, theirs) in enumerate(zip(path, other, strict=True)):
        for x, y in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol, err_msg=f"step {step}")


TORCH = {
    "adam": lambda w: torch.optim.Adam(w, lr=RATE, betas=(0.5, 0.99), eps=1e-20),
    "adamw": lambda w: torch.optim.AdamW(
        w, lr=RATE, betas=(0.5, 0.99), eps=1e-20, weight_decay=DECAY
    ),
    # In the paper, as in Keras, momentum grows 250 times as fast as it does by torch's default.
    "nadam": lambda w: torch.optim.NAdam(
        w, lr=RATE, betas=(0.5, 0.99), eps=1e-20, momentum_decay=1.0
    ),
    "rms-prop": lambda w: torch.optim.RMSprop(w, lr=RATE, alpha=0.99, eps=1e-20),
}


@pytest.mark.parametrize("name", TORCH)
def test_without_epsilon_it_is_torchs(name: str) -> None:
    decay = DECAY if name == "adamw" else 0.0
    config = options(name, epsilon_exponent=-20, weight_decay=decay)
    # Torch keeps Nadam's product of momenta in float32.
    assert_same(ours(config), of_torch(TORCH[name]), rtol=1e-6 if name == "nadam" else 1e-11)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("decay", [0.0, DECAY])
def test_it_is_its_formula(name: str, decay: float) -> None:
    config = options(name, weight_decay=decay)
    assert_same(ours(config), of_formula(FORMULAS[name], lambda step: dict(config)))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_takes_its_share_off_the_weights_alone(name: str) -> None:
    plain, decayed = ours(options(name))[0], ours(options(name, weight_decay=DECAY))[0]
    for w, x, y in zip(start(), plain, decayed, strict=True):
        np.testing.assert_allclose(x - y, RATE * DECAY * w, atol=1e-15)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_average_is_its_recursion(name: str) -> None:
    variables = [keras.Variable(w, dtype="float64") for w in start()]
    optimizer = make_optimizer(options(name, average_momentum=0.75))
    path = trained(optimizer, variables, range(STEPS))
    expected = path[0]
    for weights in path[1:]:
        expected = [0.75 * a + 0.25 * w for a, w in zip(expected, weights, strict=True)]
    averages = [a.numpy() for a in optimizer._model_variables_moving_average]
    assert_same([averages], [expected])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_building_it_again_changes_nothing(name: str) -> None:
    variables = [keras.Variable(w, dtype="float64") for w in start()]
    optimizer = make_optimizer(options(name))
    optimizer.build(variables)
    count = len(optimizer.variables)
    optimizer.build(variables)
    assert len(optimizer.variables) == count


def test_lion_without_beta_1_is_refused() -> None:
    with pytest.raises(FaceswapError, match="beta_1 = 0: 'lion'"):
        make_optimizer(options("lion", beta_1=0.0))
    assert make_optimizer(options("adam", beta_1=0.0)).beta_1 == 0


def test_a_weight_without_gradient_stays_and_the_others_keep_their_moments() -> None:
    variables = [keras.Variable(w, dtype="float64") for w in start()]
    optimizer = make_optimizer(options("adabelief"))
    optimizer.build(variables)
    for step in range(STEPS):
        second = torch.from_numpy(gradient([v.numpy() for v in variables], step)[1])
        with pytest.warns(UserWarning, match="Gradients do not exist"):
            optimizer.apply([None, second], variables)
    config = options("adabelief")
    expected = of_formula(adabelief, lambda step: dict(config))[-1][1]
    np.testing.assert_allclose(variables[1].numpy(), expected, rtol=1e-11)
    np.testing.assert_array_equal(variables[0].numpy(), start()[0])


def small_model(config: dict[str, Any]) -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4, activation="tanh")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(hidden))
    model.compile(optimizer=make_optimizer(config), loss="mse", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def fit(model: keras.Model, steps: range) -> None:
    for step in steps:
        rng = np.random.default_rng(step)
        model.train_on_batch(rng.random((8, 3)), rng.random((8, 2)))


def everything(model: keras.Model) -> list[NDArray[np.float32]]:
    return [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]


def reloaded(model: keras.Model, folder: Path) -> keras.Model:
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("adopted", [False, True])
def test_a_saved_model_goes_on_bit_for_bit(name: str, adopted: bool, tmp_path: Path) -> None:
    config = options(name, average_momentum=0.9, weight_decay=0.01)
    model = small_model(config)
    fit(model, range(7))
    again = reloaded(model, tmp_path)
    if adopted:
        again.compile(optimizer=adopt(again, config), loss="mse", jit_compile=False)
    fit(model, range(7, 14))
    fit(again, range(7, 14))
    for x, y in zip(everything(model), everything(again), strict=True):
        np.testing.assert_array_equal(x, y)


class Holder:
    """What `adopt` reads of a model."""

    def __init__(self, optimizer: keras.optimizers.Optimizer, weights: list[keras.Variable]):
        self.optimizer = optimizer
        self.trainable_variables = weights


def resumed(before: dict[str, Any], after: dict[str, Any]) -> tuple[list[Weights], Any]:
    """Half of the steps with some options, the other half with others."""
    variables = [keras.Variable(w, dtype="float64") for w in start()]
    optimizer = make_optimizer(before)
    path = trained(optimizer, variables, range(STEPS // 2))
    optimizer = adopt(Holder(optimizer, variables), after)
    path += trained(optimizer, variables, range(STEPS // 2, STEPS))
    return path, optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_new_options_work_on_what_was_learned(name: str) -> None:
    before = options(name)
    after = options(
        name,
        learning_rate=RATE / 4,
        epsilon_exponent=-1,
        beta_1=0.75,
        beta_2=0.9,
        weight_decay=DECAY,
    )
    path, _ = resumed(before, after)
    expected = of_formula(FORMULAS[name], lambda step: dict(before if step < STEPS // 2 else after))
    assert_same(path, expected)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_an_average_goes_on_or_starts_from_the_weights(name: str, momentum: float) -> None:
    path, optimizer = resumed(
        options(name, average_momentum=momentum), options(name, average_momentum=0.75)
    )
    half = STEPS // 2
    expected = path[0] if momentum else path[half - 1]
    for weights in path[1:half] if momentum else []:
        expected = [0.5 * a + 0.5 * w for a, w in zip(expected, weights, strict=True)]
    for weights in path[half:]:
        expected = [0.75 * a + 0.25 * w for a, w in zip(expected, weights, strict=True)]
    averages = [a.numpy() for a in optimizer._model_variables_moving_average]
    assert_same([averages], [expected])


def test_an_average_that_is_turned_off_is_dropped() -> None:
    _, with_one = resumed(options("adam"), options("adam", average_momentum=0.9))
    _, without = resumed(options("adam", average_momentum=0.9), options("adam"))
    assert not without.use_ema
    assert len(with_one.variables) - len(without.variables) == 2
    assert int(without.iterations) == STEPS


def test_another_optimizer_can_not_take_over() -> None:
    with pytest.raises(FaceswapError, match="optimizer = lion: the model was saved with Adam"):
        resumed(options("adam"), options("lion"))
