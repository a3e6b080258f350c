"""Saving a model while it trains on."""

import errno
import json
import logging
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch

from lib.checkpoint import held
from lib.checkpoint.copies import copy_values, values_of
from lib.checkpoint.generations import Generation
from lib.checkpoint.held import Held
from lib.checkpoint.layout import Layout
from lib.checkpoint.saver import Saver
from lib.checkpoint.stand_in import StandIn
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


def stored(store: ModelStore) -> set[float]:
    """All numbers in the newest save."""
    loaded = store.load()
    values = [*loaded.weights, *loaded.optimizer.variables]
    return {float(number) for value in values for number in value.numpy().ravel()}


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(str(tmp_path / "model"), "tiny")


def test_what_is_saved_is_what_there_was_when_it_began(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, go = make_model(), threading.Event()
    saver = Saver(store, model, refuse_nan=True)
    write = Layout.save
    monkeypatch.setattr(Layout, "save", lambda *args: go.wait(10) and write(*args))
    saved: list[Generation] = []
    state: dict[str, Any] = {"iterations": 7, "run": {"scale": 1}}
    fill(model, 5)
    saver.begin(state, back_up=False, done=saved.append)
    assert saver.is_busy
    saver.let_go()
    fill(model, 6)
    state["run"]["scale"] = 2
    go.set()
    saver.wait()
    assert not saver.is_busy
    (save,) = saved
    assert stored(store) == {5}
    assert json.loads(save.state.read_text())["run"] == {"scale": 1}


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
        patch.setattr(Layout, "save", lambda *_: 1 / 0)
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


def test_a_model_that_trains_on_is_saved_as_it_was(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model()
    saver = Saver(store, model, refuse_nan=True)
    read = Held.pieces

    def slowly(held: Held, number: int) -> Iterator[Any]:
        time.sleep(0.01)
        for piece in read(held, number):
            time.sleep(0.01)
            yield piece

    monkeypatch.setattr(Held, "pieces", slowly)
    for number, patience in enumerate((0.0, 0.1, 60.0), 1):
        monkeypatch.setattr(held, "PATIENCE", patience)
        fill(model, number)
        saver.begin({"iterations": number}, back_up=False, done=lambda _: None)
        updates = 0
        while saver.is_busy or not updates:
            updates += 1
            saver.let_go()
            fill(model, -updates)
        saver.wait()
        assert stored(store) == {number}


@keras.saving.register_keras_serializable("tests")
class Shrinking(keras.layers.Layer):
    """Holds a layer, and makes its weights smaller in each forward pass that trains."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = keras.layers.Dense(3)

    def build(self, shape: tuple[int, ...]) -> None:
        self.inner.build(shape)

    def call(self, x: torch.Tensor, training: bool = False) -> torch.Tensor:
        if training:
            self.inner.kernel.assign(self.inner.kernel * 0.5)
        return self.inner(x)


def spectral() -> keras.layers.Layer:
    return keras.layers.SpectralNormalization(keras.layers.Dense(3))


@pytest.mark.parametrize("make", [spectral, Shrinking])
def test_weights_that_layers_change_as_they_run_are_saved_as_they_were(
    make: type[keras.layers.Layer], store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, code = keras.Input((2,)), keras.Input((2,))
    encoder = keras.Model(code, keras.layers.BatchNormalization()(make()(code)))
    model = keras.Model(inputs, keras.layers.Dense(1)(encoder(inputs)), name="tiny")
    model.compile(optimizer=keras.optimizers.Adam(), loss="mse")
    model.optimizer.build(model.trainable_variables)
    saver, has_run = Saver(store, model, refuse_nan=True), threading.Event()
    read = Held.pieces

    def slowly(held: Held, number: int) -> Iterator[Any]:
        assert has_run.wait(10)
        yield from read(held, number)

    monkeypatch.setattr(Held, "pieces", slowly)
    before = [weight.numpy().copy() for weight in model.weights]
    saver.begin({"iterations": 1}, back_up=False, done=lambda _: None)
    for _ in range(3):
        model(torch.rand(4, 2), training=True)
    has_run.set()
    saver.wait()
    kernel = next(number for number, one in enumerate(model.weights) if one.name == "kernel")
    assert model.weights[kernel].trainable
    assert not np.array_equal(model.weights[kernel].numpy(), before[kernel])
    for stored, value in zip(store.load().weights, before, strict=True):
        np.testing.assert_array_equal(stored.numpy(), value, err_msg=stored.path)


def test_how_saves_are_written_is_found_out_beside_the_training(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, go = StandIn.draw, threading.Event()
    threads: list[threading.Thread] = []

    def slowly(stand_in: StandIn, folder: Path) -> Layout:
        threads.append(threading.current_thread())
        assert go.wait(10)
        return draw(stand_in, folder)

    monkeypatch.setattr(StandIn, "draw", slowly)
    saver = Saver(store, make_model(), refuse_nan=True)
    assert not go.is_set()
    assert not saver.is_busy, "the first save is not put off"
    threading.Timer(0.1, go.set).start()
    saver.begin({"iterations": 1}, back_up=False, done=lambda _: None)
    assert go.is_set(), "the model is not held while the first save waits"
    saver.wait()
    (thread,) = threads
    assert thread is not threading.current_thread()
    assert isinstance(saver._form, Layout)
    assert store.exists


def test_a_run_that_ends_before_its_first_save_leaves_no_folder_of_saves(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = StandIn.draw

    def slowly(stand_in: StandIn, folder: Path) -> Layout:
        time.sleep(0.1)
        return draw(stand_in, folder)

    monkeypatch.setattr(StandIn, "draw", slowly)
    Saver(store, make_model(), refuse_nan=True).wait()
    assert not store.saves.folder.exists()


def test_a_layer_that_fails_where_it_can_not_know_its_values_is_saved_by_keras(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def save(layer: keras.layers.Dense, own: Any) -> None:
        if layer.kernel.numpy()[0, 0] != 5:
            raise ValueError("only fives\nare written")
        own["0"], own["1"] = layer.kernel, layer.bias

    monkeypatch.setattr(keras.layers.Dense, "save_own_variables", save)
    model = make_model()
    fill(model, 5)
    with caplog.at_level(logging.INFO):
        saver = Saver(store, model, refuse_nan=True)
        saver.begin({"iterations": 1}, back_up=False, done=lambda _: None)
        saver.wait()
    assert caplog.messages == [
        "Each save takes a copy of the model in memory (ValueError: only fives)"
    ]
    assert stored(store) == {5}


def test_a_save_without_a_layout_draws_one(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: Namespace(free=0))
        saver = Saver(store, make_model(), refuse_nan=True)
        saver.begin({"iterations": 1}, back_up=False, done=lambda _: None)
        with pytest.raises(FaceswapError, match="can't save to '.*': No space left on device"):
            saver.wait()
    assert len(caplog.messages) == 1
    assert list(store.saves.folder.iterdir()) == []
    saver.begin({"iterations": 2}, back_up=False, done=lambda _: None)
    saver.wait()
    assert [path.name for path in store.saves.folder.iterdir()] == ["000001_2"]


@pytest.mark.parametrize(
    "failure",
    [MemoryError(), RuntimeError("not enough memory: you tried to allocate 9 bytes")]
    + [OSError(number, "as a disk does") for number in (errno.ENOSPC, errno.EACCES, errno.EIO)],
    ids=str,
)
def test_a_want_that_passes_does_not_settle_how_saves_are_written(
    failure: Exception, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    saver = fails_to_draw(failure, 4, store, monkeypatch)
    for number in range(1, 4):
        saver.begin({"iterations": number}, back_up=False, done=lambda _: None)
        with pytest.raises(FaceswapError, match=f"the save at iteration {number} failed"):
            saver.wait()
    saver.begin({"iterations": 4}, back_up=False, done=lambda _: None)
    saver.wait()
    assert isinstance(saver._form, Layout)
    assert store.exists


def fails_to_draw(
    failure: Exception, times: int, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> Saver:
    """A saver that can't find out how saves are written the first few times."""
    draw, left = StandIn.draw, [failure] * times

    def fail(stand_in: StandIn, folder: Path) -> Layout:
        if left:
            raise left.pop()
        return draw(stand_in, folder)

    monkeypatch.setattr(StandIn, "draw", fail)
    return Saver(store, make_model(), refuse_nan=True)


def test_a_layer_that_takes_itself_for_a_disk_does_not_fail_each_save(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failure = FileNotFoundError(errno.ENOENT, "no vocabulary")
    saver = fails_to_draw(failure, 99, store, monkeypatch)
    saver.begin({"iterations": 1}, back_up=False, done=lambda _: None)
    with pytest.raises(FaceswapError, match="no vocabulary"):
        saver.wait()
    with caplog.at_level(logging.INFO):
        for number in (2, 3):
            saver.begin({"iterations": number}, back_up=False, done=lambda _: None)
            saver.wait()
    assert [save.iterations for save in store.saves.all()] == [3, 2]
    told = [message for message in caplog.messages if "takes a copy" in message]
    assert told == [
        "Each save takes a copy of the model in memory (FileNotFoundError: [Errno 2] no vocabulary)"
    ]


def test_what_keras_alone_can_write_is_saved_all_the_same(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(layer: keras.layers.Dense, own: Any) -> None:
        own["0"], own["1"] = layer.kernel * 2, layer.bias

    monkeypatch.setattr(keras.layers.Dense, "save_own_variables", save)
    model = make_model()
    saver = Saver(store, model, refuse_nan=True)
    for number in (1, 2):
        fill(model, number)
        saver.begin({"iterations": number}, back_up=False, done=lambda _: None)
        saver.let_go()
        fill(model, 7)
        saver.wait()
        assert stored(store) == {number, 2 * number}
