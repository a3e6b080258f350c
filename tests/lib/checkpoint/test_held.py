"""Values that are held while their model trains on."""

import math
import threading
import time
from collections.abc import Iterator

import keras
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lib.checkpoint import held as module
from lib.checkpoint.copies import values_of
from lib.checkpoint.held import Held
from lib.errors import FaceswapError


def make_model(policy: str = "float32") -> keras.Model:
    inputs = keras.Input((2,))
    x = keras.layers.Dropout(0.1)(keras.layers.Dense(3, dtype=policy)(inputs))
    x = keras.layers.BatchNormalization()(x)
    model = keras.Model(inputs, keras.layers.Dense(1)(x), name="tiny")
    model.compile(optimizer=keras.optimizers.Adam(use_ema=True), loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def fill(model: keras.Model, seed: int) -> list[np.ndarray]:
    """Give a model random values; the same, as arrays."""
    rng = np.random.default_rng(seed)
    arrays = [rng.integers(0, 99, value.shape) for value in values_of(model)]
    with torch.no_grad():
        for value, array in zip(values_of(model), arrays, strict=True):
            value.copy_(torch.from_numpy(np.asarray(array)))
    return arrays


def read_all(held: Held, order: list[int], arrays: list[np.ndarray]) -> Iterator[bool]:
    """Read values piece by piece; whether each is what it should be, None in between."""
    held.expect(order)
    for number in order:
        whole = b""
        for piece in held.pieces(number):
            whole += piece.tobytes()
            yield True
        values = torch.frombuffer(bytearray(whole), dtype=held._sources[number].dtype)
        yield bool((values.numpy() == arrays[number].ravel()).all())


MODEL = make_model()
COUNT = len(values_of(MODEL))


@given(
    order=st.permutations(range(COUNT)),
    count=st.integers(1, COUNT),
    until=st.integers(0, 4 * COUNT),
    seed=st.integers(0, 99),
)
def test_what_is_read_is_what_there_was_whenever_it_is_let_go(
    order: list[int], count: int, until: int, seed: int
) -> None:
    held = Held(MODEL, refuse_nan=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PATIENCE", 0)
        patch.setattr(module, "PIECE", 8)
        for again in range(2):  # the memory of the first time is used again
            before = fill(MODEL, seed + again)
            held.hold()
            for place, is_right in enumerate(read_all(held, order[:count], before)):
                assert is_right
                if place == until:
                    held.let_go()
                    fill(MODEL, seed + 100)
            held.drop()


def test_values_that_nobody_lets_go_are_read_as_they_become() -> None:
    held = Held(MODEL, refuse_nan=True)
    before = fill(MODEL, 1)
    held.hold()
    fill(MODEL, 2)
    is_right = list(read_all(held, list(range(COUNT)), before))
    assert not all(is_right), "what the property above is about can't be seen"


def test_what_layers_change_as_they_run_is_held_at_once() -> None:
    held = Held(MODEL, refuse_nan=True)
    before = fill(MODEL, 1)
    held.hold()
    steady = {id(x) for x in (*MODEL.trainable_variables, *MODEL.optimizer.variables)}
    passing = [n for n, x in enumerate(MODEL.variables) if id(x) not in steady]
    assert len(passing) == 3  # two statistics and the state of a generator
    with torch.no_grad():
        for number in passing:
            values_of(MODEL)[number].fill_(100)
    assert all(read_all(held, passing, before))
    held.drop()


def test_letting_go_waits_for_the_reader_and_copies_nothing_if_it_is_fast() -> None:
    held = Held(MODEL, refuse_nan=True)
    before = fill(MODEL, 1)
    held.hold()
    few = len(held._copies)
    is_right: list[bool] = []

    def read() -> None:
        time.sleep(0.1)
        is_right.extend(read_all(held, list(range(COUNT)), before))

    thread = threading.Thread(target=read)
    thread.start()
    held.let_go()
    fill(MODEL, 2)
    thread.join()
    assert is_right
    assert all(is_right)
    assert len(held._copies) == few


def test_letting_go_waits_no_longer_than_it_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    held = Held(MODEL, refuse_nan=True)
    before = fill(MODEL, 1)
    held.hold()
    begun = time.perf_counter()
    held.let_go()
    assert 0.1 <= time.perf_counter() - begun < 5
    fill(MODEL, 2)
    begun = time.perf_counter()
    held.let_go()
    assert time.perf_counter() - begun < 0.05, "it is free already"
    assert all(read_all(held, list(range(COUNT)), before))


@pytest.mark.parametrize("how", ["never held", "dropped", "all that is asked for was read"])
def test_letting_go_takes_no_time_where_nothing_is_read(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 60)
    held = Held(MODEL, refuse_nan=True)
    before = fill(MODEL, 1)
    if how != "never held":
        held.hold()
        held.expect([0, 1])
    if how == "dropped":
        held.drop()
    elif how != "never held":
        assert all(read_all(held, [0, 1], before))
    begun = time.perf_counter()
    held.let_go()
    assert time.perf_counter() - begun < 1


def test_a_value_of_odd_layout_is_read_in_its_order() -> None:
    held = Held(MODEL, refuse_nan=True)
    fill(MODEL, 1)
    kernel = MODEL.trainable_variables[0].value
    other = kernel.detach().T.contiguous().T
    assert not other.is_contiguous()
    number = next(n for n, x in enumerate(values_of(MODEL)) if x is kernel)
    before = kernel.data
    try:
        kernel.data = other
        held.hold()
        whole = b"".join(piece.tobytes() for piece in held.pieces(number))
    finally:
        kernel.data = before
        held.drop()
    assert whole == before.numpy().tobytes()


@pytest.mark.parametrize("policy", ["float32", "float16", "bfloat16", "float64"])
def test_what_is_no_number_is_refused(policy: str) -> None:
    model = make_model(policy)
    fill(model, 1)
    held = Held(model, refuse_nan=True)
    weights = model.weights[0]
    assert keras.backend.standardize_dtype(weights.dtype) == policy

    def read() -> None:
        held.hold()
        try:
            held.copy(0)
        finally:
            held.drop()

    most = torch.finfo(weights.value.dtype).max
    for value in (most, -most, 0.0, 1e-40):
        weights.assign(weights.value * 0 + value)
        read()
    for value in (math.nan, math.inf, -math.inf):
        values = torch.zeros_like(weights.value.detach())
        values.flatten()[-1] = value
        weights.assign(values)
        with pytest.raises(FaceswapError, match="'dense.*/kernel' holds what is no number: it is"):
            read()
        held._refuse_nan = False
        read()
        held._refuse_nan = True
