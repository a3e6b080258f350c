"""A model's files."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from lib.checkpoint.store import ModelStore
from lib.errors import FaceswapError


def make_model(value: float = 1.0) -> keras.Model:
    inputs = keras.Input((2,))
    layer = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(value))
    model = keras.Model(inputs, layer(inputs), name="tiny")
    model.compile(optimizer=keras.optimizers.Adam(), loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def weights(store: ModelStore) -> np.ndarray:
    return store.load().get_weights()[0]


def test_a_model_comes_back_with_its_optimizer(tmp_path: Path) -> None:
    store = ModelStore(str(tmp_path / "model"), "tiny")
    assert not store.exists
    model = make_model()
    model.optimizer.iterations.assign(7)
    store.save(model, back_up=True)
    again = store.load()
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    assert int(again.optimizer.iterations) == 7
    assert not store.backup.exists()


def test_the_backup_is_the_save_before(tmp_path: Path) -> None:
    store = ModelStore(str(tmp_path), "tiny")
    for value, back_up in ((1, True), (2, True), (3, False)):
        store.save(make_model(value), back_up=back_up)
    assert weights(store)[0] == 3
    shutil.copy(store.backup, store.path)
    assert weights(store)[0] == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tiny.keras", "tiny.keras.bk"]


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04 half a model"])
def test_a_damaged_model_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    store = ModelStore(str(tmp_path), "tiny")
    store.path.write_bytes(content)
    with pytest.raises(FaceswapError, match=r"tiny\.keras' is damaged .*no backup"):
        store.load()
    store.backup.write_bytes(b"")
    with pytest.raises(FaceswapError, match=r"restore 'tiny\.keras\.bk'"):
        store.load()
    assert store.path.read_bytes() == content


def test_a_truncated_model_is_damaged(tmp_path: Path) -> None:
    store = ModelStore(str(tmp_path), "tiny")
    store.save(make_model(), back_up=False)
    whole = store.path.read_bytes()
    store.path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FaceswapError, match="is damaged"):
        store.load()


def test_a_model_with_an_unknown_layer_is_not_called_damaged(tmp_path: Path) -> None:
    class Mine(keras.layers.Layer):
        def call(self, x):
            return x

    inputs = keras.Input((2,))
    store = ModelStore(str(tmp_path), "tiny")
    store.save(keras.Model(inputs, Mine()(inputs)), back_up=False)
    with pytest.raises(FaceswapError, match="can't be rebuilt .*Mine"):
        store.load()


@pytest.mark.parametrize("files", [["other.keras"], ["other_state.json"], ["a.keras", "b.keras"]])
def test_a_folder_of_another_model_is_refused(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        (tmp_path / name).write_text("")
    with pytest.raises(FaceswapError, match=r"holds a model of '(other|a)'"):
        ModelStore(str(tmp_path), "tiny").check_folder()


def test_a_file_as_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = ModelStore(str(tmp_path / "file"), "tiny")
    with pytest.raises(FaceswapError, match="is a file"):
        store.check_folder()
    with pytest.raises(FaceswapError, match="can't be written to"):
        store.check_writable()


def test_checking_a_folder_leaves_no_trace(tmp_path: Path) -> None:
    store = ModelStore(str(tmp_path / "a" / "b"), "tiny")
    store.check_folder()
    store.check_writable()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that none can write")
def test_a_folder_that_none_can_write_to_is_refused() -> None:
    with pytest.raises(FaceswapError, match=r"model folder '/proc/model' can't be written to"):
        ModelStore("/proc/model", "tiny").check_writable()


def test_a_snapshot_is_a_copy_of_the_folder(tmp_path: Path) -> None:
    store = ModelStore(str(tmp_path / "model"), "tiny")
    store.save(make_model(1), back_up=False)
    target = store.snapshot(25)
    assert target == tmp_path / "model_snapshot_25_iters"
    store.save(make_model(2), back_up=False)
    assert ModelStore(str(target), "tiny").load().get_weights()[0][0] == 1
    store.snapshot(25)
    assert ModelStore(str(target), "tiny").load().get_weights()[0][0] == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model", "model_snapshot_25_iters"]


def test_a_snapshot_that_fails_says_so(tmp_path: Path) -> None:
    with pytest.raises(FaceswapError, match="can't write the snapshot"):
        ModelStore(str(tmp_path / "none"), "tiny").snapshot(1)
    assert list(tmp_path.iterdir()) == []
