"""The newest model of a folder is told from others, and given to other processes."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from lib.checkpoint.store import ModelStore
from lib.errors import FaceswapError
from lib.training.distributed import World
from lib.training.handing import NOTHING, hand_over, newest_model, own_folder

NO_DIGEST = {"bytes": 7, "sha256": "?"}


def saved(folder: Path, content: bytes = b"weights", iterations: int = 7) -> ModelStore:
    """A model's folder with one more save."""
    store = ModelStore(str(folder), "tiny")

    def write(place: Path) -> None:
        (place / "model.keras").write_bytes(content)
        (place / "state.json").write_text("{}")

    store.saves.add(iterations, write, back_up=False)
    return store


def plain(folder: Path, content: bytes = b"weights", iterations: int = 7) -> ModelStore:
    """A model's folder as the first versions of this program left it."""
    store = ModelStore(str(folder), "tiny")
    folder.mkdir()
    store.path.write_bytes(content)
    parts = {"sessions": {}, "lowest_avg_loss": {}, "config": {}}
    state = {"name": "tiny", "iterations": iterations, **parts}
    store.state_path.write_text(json.dumps(state))
    return store


def test_a_folder_without_a_model_holds_nothing(tmp_path: Path) -> None:
    assert newest_model(ModelStore(str(tmp_path), "tiny")) == (NOTHING, NOTHING)


@pytest.mark.parametrize("make", [saved, plain])
def test_models_of_as_many_iterations_are_told_apart_and_copies_are_not(
    make: type[ModelStore], tmp_path: Path
) -> None:
    one, other = (newest_model(make(tmp_path / name, name.encode())) for name in ("one", "other"))
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    assert newest_model(ModelStore(str(tmp_path / "copy"), "tiny")) == one
    assert one[0] == other[0] == 7
    assert one[1] != other[1]
    assert 0 <= min(one[1], other[1]) <= max(one[1], other[1]) < 2**63


def test_a_copy_without_its_saves_is_the_same_model(tmp_path: Path) -> None:
    ours, other = saved(tmp_path / "ours"), plain(tmp_path / "other", b"of another run")
    assert newest_model(plain(tmp_path / "copy")) == newest_model(ours)
    assert newest_model(other) != newest_model(ours)


def test_the_newest_save_counts(tmp_path: Path) -> None:
    before = newest_model(saved(tmp_path))
    assert newest_model(saved(tmp_path, iterations=9))[0] == 9
    assert before[0] == 7


def test_a_model_that_cannot_be_read_is_still_there(tmp_path: Path) -> None:
    store = saved(tmp_path / "saved")
    manifest = store.saves.all()[0].path / "manifest.json"
    whole = json.loads(manifest.read_text())
    nameless, wrong = ({**whole, "files": files} for files in ({}, {"model.keras": NO_DIGEST}))
    for content in ("?", json.dumps(nameless), json.dumps(wrong)):
        manifest.write_text(content)
        assert newest_model(store) == (7, NOTHING)
    store = plain(tmp_path / "plain")
    store.path.unlink()
    store.path.mkdir()
    assert newest_model(store) == (7, NOTHING)


@pytest.mark.parametrize("make", [saved, plain])
def test_the_others_get_the_newest_save(
    make: type[ModelStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = make(tmp_path / "ours"), ModelStore(str(tmp_path / "theirs"), "tiny")
    told: list[torch.Tensor] = []
    with monkeypatch.context() as patch:
        patch.setattr(dist, "broadcast", lambda tensor, src: told.append(tensor.clone()))
        hand_over(World(0, 2), ours)
        patch.setattr(dist, "broadcast", lambda tensor, src: tensor.copy_(told.pop(0)))
        hand_over(World(1, 2), theirs)
    assert not told
    assert newest_model(theirs) == newest_model(ours)
    for path in (path for path in ours.folder.rglob("*") if path.is_file()):
        assert (theirs.folder / path.relative_to(ours.folder)).read_bytes() == path.read_bytes()


def test_what_is_handed_over_lies_in_the_roomy_folder_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.training.handing.roomy_folder", lambda: str(tmp_path))
    with own_folder() as folder:
        assert Path(folder).parent == tmp_path
        assert Path(folder).is_dir()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.training.handing.roomy_folder", lambda: str(tmp_path / "absent"))
    with pytest.raises(FaceswapError, match=r"made in '.*absent': No such file .* TMPDIR"):
        own_folder()
