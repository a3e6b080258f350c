"""Saving a model while it trains on."""

import json
import math
import random
import threading
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch

from lib.checkpoint.copies import ModelCopy, copy_values, values_of
from lib.checkpoint.generations import Generation
from lib.checkpoint.saver import Saver
from lib.checkpoint.store import ModelStore
from lib.errors import FaceswapError


def make_model() -> keras.Model:
    inputs = keras.Input((2,))
    x = keras.layers.Dropout(0.1)(keras.layers.Dense(3)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(x), name="tiny")
    model.compile(optimizer=keras.optimizers.Adam(use_ema=True), loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def fill(model: keras.Model, number: float) -> None:
    with torch.no_grad():
        for value in values_of(model):
            value.fill_(number)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(str(tmp_path / "model"), "tiny")


def test_what_is_saved_is_what_there_was_when_it_began(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, go = make_model(), threading.Event()
    saver = Saver(store, model, refuse_nan=True)
    write = keras.Model.save
    monkeypatch.setattr(keras.Model, "save", lambda *args: go.wait(10) and write(*args))
    saved: list[Generation] = []
    state: dict[str, Any] = {"iterations": 7, "run": {"scale": 1}}
    fill(model, 5)
    saver.begin(state, back_up=False, done=saved.append)
    assert saver.is_busy
    fill(model, 6)
    state["run"]["scale"] = 2
    go.set()
    saver.wait()
    assert not saver.is_busy
    (save,) = saved
    loaded = store.load()
    assert {float(value) for array in loaded.get_weights() for value in array.ravel()} == {5}
    for variable in loaded.optimizer.variables:
        assert (variable.numpy() == 5).all(), variable.path
    assert json.loads(save.state.read_text())["run"] == {"scale": 1}


def test_a_copy_is_of_everything_and_draws_no_random_numbers() -> None:
    keras.utils.set_random_seed(3)
    expected = random.random(), float(torch.rand(())), np.random.random()
    keras.utils.set_random_seed(3)
    source = make_model()
    keras.utils.set_random_seed(3)
    copy = ModelCopy(source)
    assert (random.random(), float(torch.rand(())), np.random.random()) == expected
    fill(source, 2)
    copy.take()
    assert len(values_of(copy.model)) == len(values_of(source)) > 12
    for ours, theirs in zip(values_of(copy.model), values_of(source), strict=True):
        assert torch.equal(ours, theirs)
        assert ours.data_ptr() != theirs.data_ptr()


def test_a_model_that_could_not_be_loaded_again_is_told_before_it_trains() -> None:
    class Mine(keras.layers.Layer):
        def call(self, x):
            return x

    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1)(Mine()(inputs)), name="own")
    model.compile(optimizer="adam", loss="mse")
    with pytest.raises(FaceswapError, match="'own' could be saved, but not loaded.*'Mine'.*need"):
        ModelCopy(model)


@pytest.mark.parametrize("policy", ["float32", "float16", "bfloat16"])
def test_what_is_no_number_is_refused(policy: str) -> None:
    keras.config.set_dtype_policy(policy)
    try:
        copy = ModelCopy(make_model())
    finally:
        keras.config.set_dtype_policy("float32")
    fill(copy.model, 3)
    weights = copy.model.weights[0]
    assert keras.backend.standardize_dtype(weights.dtype) == policy
    most = torch.finfo(weights.value.dtype).max
    for value in (most, -most, 0.0, 1e-40):
        weights.assign(weights.value * 0 + value)
        copy.check()
    for value in (math.nan, math.inf, -math.inf):
        values = weights.value.detach().clone()
        values.flatten()[-1] = value
        weights.assign(values)
        with pytest.raises(FaceswapError, match="holds what is no number: it is not saved"):
            copy.check()
        weights.assign(torch.zeros_like(values))


def test_values_of_sixteen_bits_are_copied_too() -> None:
    keras.config.set_dtype_policy("bfloat16")
    try:
        source, target = make_model(), make_model()
    finally:
        keras.config.set_dtype_policy("float32")
    fill(source, 3)
    copy_values(source, target)
    assert all((value == 3).all() for value in values_of(target))


def test_weights_that_are_no_numbers_are_not_saved(
    store: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    model = make_model()
    with torch.no_grad():
        model.weights[0].value[0, 0] = float("nan")
    saver = Saver(store, model, refuse_nan=True)
    saver.begin({"iterations": 3}, back_up=False, done=lambda _: None)
    with pytest.raises(FaceswapError, match="at iteration 3 failed, and nothing is saved so far"):
        saver.wait()
    assert "kernel' holds what is no number: it is not saved; training goes on" in caplog.text
    assert not store.exists
    careless = Saver(store, model, refuse_nan=False)
    careless.begin({"iterations": 3}, back_up=False, done=lambda _: None)
    careless.wait()
    assert store.exists


def test_a_failure_is_told_once_and_the_next_save_succeeds(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    saver = Saver(store, make_model(), refuse_nan=True)
    saver.begin({"iterations": 1}, back_up=False, done=lambda _: None)
    saver.wait()
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save", lambda *_: 1 / 0)
        saver.begin({"iterations": 2}, back_up=False, done=lambda _: None)
        with pytest.raises(FaceswapError):
            saver.wait()
    (message,) = caplog.messages
    assert message.startswith(
        "the save at iteration 2 failed, and save 1 (iteration 1) is whole: ZeroDivisionError"
    )
    saver.begin({"iterations": 3}, back_up=False, done=lambda _: None)
    saver.wait()
    assert [save.iterations for save in store.saves.all()] == [3, 1]
