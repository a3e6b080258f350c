"""A model's folder."""

import json
import os
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from lib.checkpoint.generations import Generation
from lib.checkpoint.recovery import recover
from lib.checkpoint.store import ModelStore, find_model
from lib.errors import FaceswapError


def make_model(value: float = 1.0) -> keras.Model:
    inputs = keras.Input((2,))
    layer = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(value))
    model = keras.Model(inputs, layer(inputs), name="tiny")
    model.compile(optimizer=keras.optimizers.Adam(), loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def save(store: ModelStore, value: float, *, back_up: bool = False) -> Generation:
    model = make_model(value)

    def write(folder: Path) -> None:
        model.save(folder / "model.keras")
        (folder / "state.json").write_text(json.dumps({"iterations": value}))

    return store.save(int(value), write, back_up=back_up)


def weight(store: ModelStore) -> float:
    return float(store.load().get_weights()[0][0, 0])


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(str(tmp_path / "model"), "tiny")


def test_a_model_comes_back_with_its_optimizer(store: ModelStore) -> None:
    assert not store.exists
    model = make_model()
    model.optimizer.iterations.assign(7)
    store.save(1, lambda folder: model.save(folder / "model.keras"), back_up=True)
    assert store.exists
    again = store.load()
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    assert int(again.optimizer.iterations) == 7


def test_any_program_opens_the_newest_and_the_backup_under_plain_names(store: ModelStore) -> None:
    for value, back_up in ((1, True), (2, True), (3, False)):
        save(store, value, back_up=back_up)
    assert sorted(os.listdir(store.folder)) == [
        *("tiny.keras", "tiny.keras.bk", "tiny_saves", "tiny_state.json", "tiny_state.json.bk"),
    ]
    assert keras.saving.load_model(store.path).get_weights()[0][0] == 3
    assert json.loads(store.state_path.read_text()) == {"iterations": 3}
    backup = shutil.copy(store.backup, store.folder.parent / "backup.keras")
    assert keras.saving.load_model(backup).get_weights()[0][0] == 1
    assert json.loads((store.folder / "tiny_state.json.bk").read_text()) == {"iterations": 1}


def test_plain_names_take_no_room(store: ModelStore) -> None:
    made = save(store, 1)
    assert store.path.samefile(made.model)


def test_the_newest_that_is_whole_is_loaded_and_told(
    store: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    save(store, 1)
    with save(store, 2).model.open("r+b") as file:
        file.seek(500)
        file.write(b"!")
    assert weight(store) == 1
    assert "save 2 (iteration 2) of 'tiny' is left out: its model.keras has been alt" in caplog.text
    assert "The newest that is whole is save 1 (iteration 1): going on from there" in caplog.text


def test_where_no_save_is_whole_nothing_is_touched(store: ModelStore) -> None:
    made = save(store, 1)
    made.state.write_text("{}")
    before = sorted(path for path in store.folder.rglob("*"))
    for act in (store.load, lambda: recover(store)):
        with pytest.raises(FaceswapError, match="no save in .* can be read .*restore"):
            act()
    assert sorted(path for path in store.folder.rglob("*")) == before


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04 half a model"])
def test_a_damaged_model_of_the_first_versions_is_named_and_left_alone(
    store: ModelStore, content: bytes
) -> None:
    store.folder.mkdir()
    store.path.write_bytes(content)
    with pytest.raises(FaceswapError, match=r"tiny\.keras' is damaged .*no backup"):
        store.load()
    store.backup.write_bytes(b"")
    with pytest.raises(FaceswapError, match=r"restore 'tiny\.keras\.bk'"):
        store.load()
    assert store.path.read_bytes() == content


def test_a_model_with_an_unknown_layer_is_not_called_damaged(store: ModelStore) -> None:
    class Mine(keras.layers.Layer):
        def call(self, x):
            return x

    inputs = keras.Input((2,))
    model = keras.Model(inputs, Mine()(inputs))
    store.save(1, lambda folder: model.save(folder / "model.keras"), back_up=False)
    with pytest.raises(FaceswapError, match="can't be rebuilt .*Mine"):
        store.load()


def test_a_folder_is_put_in_order(store: ModelStore, caplog: pytest.LogCaptureFixture) -> None:
    for value in (1, 2, 3):
        save(store, value)
    newest = store.saves.all()[0]
    newest.state.write_text("[]")
    (store.folder / ".saving-12-tiny_state.json").write_text("half")
    (store.saves.folder / ".partial-12").mkdir()
    recover(store)
    assert sorted(os.listdir(store.saves.folder)) == ["000001_1", "000002_2", "000003_3.damaged"]
    assert sorted(os.listdir(store.folder)) == ["tiny.keras", "tiny_saves", "tiny_state.json"]
    assert json.loads(store.state_path.read_text()) == {"iterations": 2}
    assert "is kept as" in caplog.text


def test_a_file_that_no_save_left_is_kept_elsewhere(
    store: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    save(store, 1)
    store.path.unlink()
    make_model(9).save(store.path)
    mine = store.path.read_bytes()
    recover(store)
    found = store.saves.folder / "found_1"
    assert (found / "tiny.keras").read_bytes() == mine
    assert json.loads((found / "tiny_state.json").read_text()) == {"iterations": 1}
    assert f"kept in '{found}'" in caplog.text
    assert weight(store) == 1
    assert store.path.samefile(store.saves.all()[0].model)


@pytest.mark.parametrize("how", ["killed between the two names", "copied", "lost"])
def test_a_folder_whose_plain_files_are_older_or_copies_or_gone_is_in_order(
    store: ModelStore, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    older, newest = save(store, 1), save(store, 2)
    if how == "copied":
        shutil.copytree(store.folder, store.folder.with_name("other"))
        store = ModelStore(str(store.folder.with_name("other")), "tiny")
        newest = store.saves.all()[0]
    else:
        store.state_path.unlink()
    if how.startswith("killed"):
        os.link(older.state, store.state_path)
    recover(store)
    assert not list(store.saves.folder.glob("found*"))
    assert store.state_path.read_bytes() == newest.state.read_bytes()
    assert caplog.messages == []


@pytest.mark.parametrize("files", [["other.keras"], ["other_state.json"], ["a.keras", "b.keras"]])
def test_a_folder_of_another_model_is_refused(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        (tmp_path / name).write_text("")
    with pytest.raises(FaceswapError, match=r"holds a model of '(other|a)'"):
        ModelStore(str(tmp_path), "tiny").check_folder()


def test_a_model_is_found_by_its_saves_alone(store: ModelStore) -> None:
    save(store, 1)
    store.path.unlink()
    store.state_path.unlink()
    assert find_model(str(store.folder)) == "tiny"


def test_a_file_as_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FaceswapError, match="is a file"):
        ModelStore(str(tmp_path / "file"), "tiny").check_folder()


def test_a_snapshot_is_a_copy_of_the_folder_with_one_save(store: ModelStore) -> None:
    for value in (1, 2, 25):
        made = save(store, value, back_up=True)
    (store.folder / "tiny_logs").mkdir()
    (store.folder / "tiny_logs" / "events").write_text("so far")
    (store.folder / ".lock").write_text("")
    target = store.snapshot(made)
    assert target == store.folder.with_name("model_snapshot_25_iters")
    copy = ModelStore(str(target), "tiny")
    assert sorted(os.listdir(target)) == [
        "tiny.keras",
        "tiny_logs",
        "tiny_saves",
        "tiny_state.json",
    ]
    assert os.listdir(copy.saves.folder) == ["000003_25"]
    assert weight(copy) == 25
    assert not (target / "tiny.keras").samefile(made.model)
    assert not (target / "tiny_logs/events").samefile(store.folder / "tiny_logs/events")
    save(store, 25)
    store.snapshot(store.saves.all()[0])
    assert os.listdir(copy.saves.folder) == ["000004_25"]
    assert sorted(os.listdir(store.folder.parent)) == ["model", "model_snapshot_25_iters"]


def test_a_snapshot_that_fails_says_so(store: ModelStore) -> None:
    made = save(store, 1)
    shutil.rmtree(store.folder)
    with pytest.raises(FaceswapError, match="can't write the snapshot"):
        store.snapshot(made)
    assert list(store.folder.parent.iterdir()) == []
