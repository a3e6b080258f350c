"""A model's folder."""

import json
import os
import shutil
import stat
from pathlib import Path

import keras
import numpy as np
import pytest
import torch

from lib.checkpoint.generations import Generation, Generations
from lib.checkpoint.recovery import recover
from lib.checkpoint.store import ModelStore, find_model
from lib.errors import FaceswapError
from tests.fixtures.saves import make_model, save, weight, writes


def test_a_model_comes_back_with_its_optimizer(store: ModelStore) -> None:
    assert not store.exists
    model = make_model()
    model.optimizer.iterations.assign(7)
    store.save(1, writes(model), back_up=True)
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


def test_where_there_are_saves_no_file_is_to_be_copied_by_hand(store: ModelStore) -> None:
    made = save(store, 1)
    store.backup.write_bytes(b"")
    (store.folder / "other.keras").write_bytes(b"")
    with pytest.raises(FaceswapError) as caught:
        store.load_file(store.folder / "other.keras")
    assert str(caught.value).endswith(
        f": faceswap restore -m '{store.folder}' lists what to go back to"
    )
    assert made.model.exists()


def test_memory_that_runs_out_is_not_called_damage(store: ModelStore, monkeypatch) -> None:
    made = save(store, 1)
    # Keras wraps what happens while it gives layers their values.
    for error in (torch.OutOfMemoryError("CUDA"), ValueError("Example: CUDA out of memory. Tried")):

        def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr("keras.saving.load_model", fail)
            with pytest.raises(FaceswapError, match="out of memory while .*model.keras' was loa"):
                store.load_file(made.model)
    assert weight(store) == 1


def test_a_model_with_an_unknown_layer_is_not_called_damaged(store: ModelStore) -> None:
    class Mine(keras.layers.Layer):
        def call(self, x):
            return x

    inputs = keras.Input((2,))
    model = keras.Model(inputs, Mine()(inputs))
    store.save(1, writes(model), back_up=False)
    with pytest.raises(FaceswapError, match="can't be rebuilt .*Mine"):
        store.load()


def test_the_save_that_plain_names_show_stays_until_they_show_another(
    store: ModelStore, monkeypatch
) -> None:
    store.saves = Generations(store.folder, "tiny", keep=1)
    shown = save(store, 1)
    with monkeypatch.context() as patch:
        patch.setattr(store, "publish", refuse)
        for value in (2, 3, 4):
            save(store, value)
            assert [one.iterations for one in store.saves.all()] == [value, 1]
    assert store.path.samefile(shown.model)
    recover(store)
    assert not list(store.saves.folder.glob("found*"))
    save(store, 5)
    assert [one.iterations for one in store.saves.all()] == [5]


def refuse(_: Generation) -> None:
    raise FaceswapError("no")


def test_a_copy_that_fails_does_not_lose_the_one_it_replaces(
    store: ModelStore, monkeypatch
) -> None:
    made = save(store, 1)
    target = store.snapshot(made)
    os.rename(target, target.with_name(f".{target.name}.replaced"))  # killed between two renames
    monkeypatch.setattr("shutil.copytree", lambda *_, **__: os.mkdir(store.folder))
    with pytest.raises(FaceswapError, match="can't write the copy"):
        store.snapshot(made)
    assert (target / "tiny.keras").exists()


def test_a_copy_that_can_not_take_anothers_place_leaves_that_one(
    store: ModelStore, monkeypatch
) -> None:
    made, replace = save(store, 1), os.replace
    target = store.snapshot(made)

    def fail(path: Path, other: Path) -> None:
        if path.name.endswith(".partial"):
            raise OSError(5, "Input/output error")
        replace(path, other)

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(FaceswapError, match="can't write the copy .*Input/output"):
        store.snapshot(made)
    assert (target / "tiny.keras").exists()
    assert {path.name for path in target.parent.iterdir()} == {"model", target.name}


def test_a_snapshot_survives_a_power_cut(store: ModelStore, monkeypatch) -> None:
    made = save(store, 1)
    synced = []
    monkeypatch.setattr("lib.checkpoint.snapshots.sync", lambda path: synced.append(path.name))
    store.snapshot(made)
    partial = ".model_snapshot_1_iters.partial"
    *files, save_folder, saves, folder, parent = synced
    assert sorted(files) == ["manifest.json", "model.keras", "state.json"]
    assert [save_folder, saves, folder] == ["000001_1", "tiny_saves", partial]
    assert parent == store.folder.parent.name


def test_a_folder_that_is_called_saves_is_no_model(store: ModelStore) -> None:
    save(store, 1)
    (store.folder / "my_saves").mkdir()
    (store.folder / "my_saves" / "notes").write_text("")
    store.check_folder()
    assert find_model(str(store.folder)) == "tiny"


@pytest.mark.parametrize("files", [["other.keras"], ["other_state.json"], ["a.keras", "b.keras"]])
def test_a_folder_of_another_model_is_refused(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        (tmp_path / name).write_text("")
    with pytest.raises(FaceswapError, match=r"holds a model of '(other|a)'"):
        ModelStore(str(tmp_path), "tiny").check_folder()


def test_a_backup_that_is_all_there_is_left_is_no_place_for_a_new_model(store: ModelStore) -> None:
    save(store, 1)
    save(store, 2, back_up=True)
    shutil.rmtree(store.saves.folder)
    for path in (store.path, store.state_path):
        path.unlink()
    with pytest.raises(FaceswapError, match="'tiny.keras.bk' to 'tiny.keras'") as raised:
        store.check_folder()
    assert "'tiny_state.json.bk' to 'tiny_state.json'" in str(raised.value)
    with pytest.raises(FaceswapError, match="no model but a backup, 'tiny.keras.bk': rename it to"):
        find_model(str(store.folder))
    for path in (store.path, store.state_path):
        path.with_name(f"{path.name}.bk").rename(path)
    store.check_folder()
    assert weight(store) == 1


def test_a_model_is_found_by_its_saves_alone(store: ModelStore) -> None:
    save(store, 1)
    store.path.unlink()
    store.state_path.unlink()
    assert find_model(str(store.folder)) == "tiny"


def test_files_of_a_save_are_read_only(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    save(store, 1)
    for path in (store.path, store.state_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
    save(store, 2)
    assert weight(store) == 2


def test_a_file_in_the_place_of_the_saves_is_refused(store: ModelStore) -> None:
    store.folder.mkdir()
    store.saves.folder.write_text("")
    with pytest.raises(FaceswapError, match="tiny_saves' is a file: saves go there"):
        store.check_folder()


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
    (store.folder / "tiny_live").mkdir()  # what a run tells of itself is no part of the model
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
    with pytest.raises(FaceswapError, match="can't write the copy"):
        store.snapshot(made)
    assert list(store.folder.parent.iterdir()) == []
