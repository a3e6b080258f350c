"""A model's folder put in order before a run goes on."""

import json
import os
import shutil

import pytest

from lib.checkpoint.recovery import recover
from lib.checkpoint.store import ModelStore
from tests.fixtures.saves import STATE, make_model, save, weight


def test_a_folder_is_put_in_order(store: ModelStore, caplog: pytest.LogCaptureFixture) -> None:
    for value in (1, 2, 3):
        save(store, value)
    newest = store.saves.all()[0]
    newest.state.write_text("[]")
    (store.folder / ".saving-12-tiny_state.json").write_text("half")
    (store.saves.folder / ".partial-12").mkdir()
    (store.folder / "tiny_live").mkdir()
    (store.folder / "tiny_live" / ".saving-12-ab.json").write_text("half")
    recover(store)
    (store.folder / "tiny_live").rmdir()
    assert sorted(os.listdir(store.saves.folder)) == ["000001_1", "000002_2", "000003_3.damaged"]
    assert sorted(os.listdir(store.folder)) == ["tiny.keras", "tiny_saves", "tiny_state.json"]
    assert json.loads(store.state_path.read_text()) == {"iterations": 2}
    assert "is kept as" in caplog.text


def test_a_file_that_no_save_left_is_kept_elsewhere(
    store: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    save(store, 1)
    (store.saves.folder / "found_2").mkdir()  # and the first has been taken away
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


@pytest.mark.parametrize(
    "how",
    ["killed between the two names", "copied", "lost", "saved by State.save"],
)
def test_a_folder_whose_plain_files_are_older_or_copies_or_gone_is_in_order(
    store: ModelStore, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    older, newest = save(store, 1), save(store, 2)
    if how == "copied":
        shutil.copytree(store.folder, store.folder.with_name("other"))
        store = ModelStore(str(store.folder.with_name("other")), "tiny")
        newest = store.saves.all()[0]
    elif how != "saved by State.save":
        store.state_path.unlink()
    if how.startswith("killed"):
        os.link(older.state, store.state_path)
    if how == "saved by State.save":
        store.state_path.unlink()
        store.state_path.write_text(json.dumps({**STATE, "iterations": 3}))
    recover(store)
    assert not list(store.saves.folder.glob("found*"))
    assert store.state_path.read_bytes() == newest.state.read_bytes()
    assert caplog.messages == []


@pytest.mark.parametrize("state", ["{}", json.dumps({**STATE, "name": "other"})])
def test_a_state_of_no_save_that_is_not_this_models_is_kept(store: ModelStore, state: str) -> None:
    save(store, 1)
    store.state_path.unlink()
    store.state_path.write_text(state)
    recover(store)
    assert (store.saves.folder / "found_1" / "tiny_state.json").read_text() == state


def test_what_shows_an_abandoned_save_was_not_put_there(store: ModelStore, caplog) -> None:
    first, _ = save(store, 1), save(store, 2)
    store.saves.abandon(first)
    recover(store)
    assert not list(store.saves.folder.glob("found*"))
    assert store.path.samefile(first.model)
    assert caplog.messages == []


@pytest.mark.parametrize("kind", ["snapshot_7_iters", "before_restore_7_iters_2"])
def test_copies_that_were_cut_short_go_and_what_they_were_to_replace_comes_back(
    store: ModelStore, kind: str
) -> None:
    save(store, 1)
    beside = store.folder.parent
    for name in (f".model_{kind}.partial", f".model_{kind}.replaced", ".model_x_snapshot_7_iters"):
        (beside / name).mkdir()
        (beside / name / "file").write_text(name)
    recover(store)
    assert {path.name for path in beside.iterdir()} == {
        *("model", f"model_{kind}", ".model_x_snapshot_7_iters"),
    }
    assert (beside / f"model_{kind}" / "file").read_text().endswith(".replaced")
    (beside / f".model_{kind}.replaced").mkdir()
    recover(store)
    assert (beside / f"model_{kind}" / "file").exists()
    assert not (beside / f".model_{kind}.replaced").exists()
