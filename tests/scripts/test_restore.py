"""Going back to a save or a snapshot, and keeping what there was."""

import json
import re
import shutil
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from faceswap.cli import main
from lib.checkpoint.store import ModelStore
from lib.folder_lock import FolderLock
from lib.live.events import EventLog
from lib.live.history import log_path
from lib.live.overview import overview
from lib.live.record import read_record
from lib.live.status import Status, live_folder, write_status
from plugins import loader

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model with saves of iterations 1, 2 and 3, and a snapshot of 2."""
    arguments = Namespace(configfile=None, plugin_dir=str(PLUGINS), no_logs=True)
    model = loader.load_model("tiny", str(PLUGINS))(str(tmp_path / "model"), arguments)
    model.build()
    for number in (1, 2, 3):
        model.state.increment_iterations()
        model.model.trainable_variables[0].assign(
            model.model.trainable_variables[0] * 0 + float(number)
        )
        model.snapshot() if number == 2 else model.save()
    return tmp_path / "model"


def run(folder: Path, *words: str) -> int:
    return main(["restore", "-m", str(folder), "--plugin-dir", str(PLUGINS), *words])


def stands_at(folder: Path) -> tuple[int, float]:
    arguments = Namespace(configfile=None, plugin_dir=str(PLUGINS), no_logs=True)
    model = loader.load_model("tiny", str(PLUGINS))(str(folder), arguments)
    model.build()
    return model.iterations, float(model.model.get_weights()[0].flat[0])


def test_it_lists_what_there_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tiny_saves" / "000001_1" / "state.json").write_text("{}")
    assert run(folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:4] for line in lines[:3]] == [
        ["--save", str(number), "iteration", str(number)] for number in (3, 2, 1)
    ]
    assert lines[0].endswith("whole  newest")
    assert lines[2].endswith("damaged: its state.json is cut off or longer than it was")
    assert lines[3].startswith(f"--from '{folder}_snapshot_2_iters'")


@pytest.mark.parametrize("words", [["--save", "2"], ["--from", "snapshot"]])
def test_it_goes_back_and_keeps_what_there_was(
    folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if words[1] == "snapshot":
        words = ["--from", f"{folder}_snapshot_2_iters"]
    assert stands_at(folder) == (3, 3.0)
    assert run(folder, *words) == 0
    assert stands_at(folder) == (2, 2.0)
    assert json.loads((folder / "tiny_state.json").read_text())["iterations"] == 2
    kept = folder.with_name("model_before_restore_3_iters")
    assert f"kept in '{kept}'" in capsys.readouterr().out
    assert stands_at(kept) == (3, 3.0)
    assert len(list((folder / "tiny_saves").iterdir())) == 4
    assert run(folder, "--from", str(kept)) == 0
    assert stands_at(folder) == (3, 3.0)
    assert run(folder, *words) == 0
    assert folder.with_name("model_before_restore_3_iters_2").is_dir()


def test_those_who_look_at_the_run_see_where_the_model_stands(folder: Path) -> None:
    log, live = log_path(folder, "tiny"), live_folder(folder, "tiny")
    for number in (1, 2, 3):
        EventLog(log).add("saved", number)
    EventLog(log).add("held_out", 3, psnr=20.0, ssim=0.5)
    losses = {"loss_a": 0.5, "loss_b": 0.25}
    write_status(live, Status(state="stopped", plugin="tiny", iteration=3, **losses))
    assert run(folder, "--save", "2") == 0
    found = overview(folder)
    assert found.status is not None
    assert (found.status.iteration, found.status.loss_a, found.status.loss_b) == (2, None, None)
    assert found.saved is not None
    assert found.saved["iteration"] == 2
    assert read_record(folder, "tiny").iterations == 2
    assert overview(folder).held_out is None
    assert run(folder, "--from", f"{folder}_before_restore_3_iters") == 0
    assert [point.iteration for point in read_record(folder, "tiny").scores] == [3]
    assert run(folder, "--save", "4") == 0  # what was restored first
    assert run(folder, "--save", "5") == 0
    assert (held_out := overview(folder).held_out) is not None
    assert held_out["iteration"] == 3


def test_files_without_checksums_can_be_gone_back_to(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    for name in ("tiny.keras", "tiny_state.json"):
        shutil.copy(f"{folder}_snapshot_2_iters/{name}", tmp_path / "old" / name)
    assert run(folder, "--from", str(tmp_path / "old")) == 0
    assert stands_at(folder) == (2, 2.0)


def test_a_folder_whose_saves_are_all_damaged_goes_back_to_a_snapshot(folder: Path) -> None:
    for save in (folder / "tiny_saves").iterdir():
        (save / "random.npz").write_bytes(b"")
    assert run(folder, "--from", f"{folder}_snapshot_2_iters") == 0
    assert stands_at(folder) == (2, 2.0)
    assert len(list((folder / "tiny_saves").iterdir())) == 4


def test_a_folder_of_the_first_versions_goes_back_and_keeps_its_model(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = Path(f"{folder}_snapshot_2_iters")
    shutil.rmtree(folder / "tiny_saves")
    assert run(folder, "--from", str(snapshot)) == 0
    assert stands_at(folder) == (2, 2.0)
    kept = folder.with_name("model_before_restore_3_iters")
    assert f"kept in '{kept}'" in capsys.readouterr().out
    assert stands_at(kept) == (3, 3.0)


def put_by_hand(folder: Path) -> bytes:
    (folder / "tiny.keras").unlink()
    shutil.copy(f"{folder}_snapshot_2_iters/tiny.keras", folder / "tiny.keras")
    with (folder / "tiny.keras").open("ab") as file:
        file.write(b"mine")
    return (folder / "tiny.keras").read_bytes()


def test_a_model_that_was_put_there_by_hand_is_kept(folder: Path) -> None:
    mine = put_by_hand(folder)
    assert run(folder, "--save", "1") == 0
    assert (folder / "tiny_saves" / "found_1" / "tiny.keras").read_bytes() == mine
    assert stands_at(folder) == (1, 1.0)
    assert stands_at(folder.with_name("model_before_restore_3_iters")) == (3, 3.0)


def test_a_model_that_was_put_beside_damaged_saves_is_kept(folder: Path) -> None:
    for save in (folder / "tiny_saves").iterdir():
        (save / "random.npz").write_bytes(b"")
    mine = put_by_hand(folder)
    assert run(folder, "--from", f"{folder}_snapshot_2_iters") == 0
    kept = folder.with_name("model_before_restore_3_iters")
    assert (kept / "tiny.keras").read_bytes() == mine


def test_abandoned_saves_are_listed_and_can_be_gone_back_to(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saves = ModelStore(str(folder), "tiny").saves
    saves.abandon(saves.all()[-1])
    assert run(folder) == 0
    abandoned = folder / "tiny_saves" / "000003_3.abandoned"
    assert f"--from '{abandoned}'" in capsys.readouterr().out
    assert stands_at(folder) == (1, 1.0)
    assert run(folder, "--from", str(abandoned)) == 0
    assert stands_at(folder) == (3, 3.0)
    (abandoned / "state.json").write_text("{}")
    assert run(folder, "--from", str(abandoned)) == 1
    assert "can't be gone back to: its state.json is cut off" in capsys.readouterr().err


def test_random_numbers_that_no_checksum_vouches_for_are_left_out(folder: Path) -> None:
    snapshot = Path(f"{folder}_snapshot_2_iters")
    shutil.rmtree(snapshot / "tiny_saves")
    (snapshot / "random.npz").write_bytes(b"no numbers")
    assert run(folder, "--from", str(snapshot)) == 0
    assert sorted(path.name for path in (folder / "tiny_saves" / "000004_2").iterdir()) == [
        *("manifest.json", "model.keras", "state.json"),
    ]


def damage(folder: Path) -> list[str]:
    (folder / "tiny_saves" / "000002_2" / "model.keras").write_bytes(b"")
    return ["--save", "2"]


def half(folder: Path) -> list[str]:
    (folder.parent / "half").mkdir()
    (folder.parent / "half" / "tiny.keras").write_bytes(b"")
    return ["--from", str(folder.parent / "half")]


def no_model(folder: Path) -> list[str]:
    words = half(folder)
    shutil.copy(folder / "tiny_state.json", folder.parent / "half")
    return words


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (lambda _: ["--save", "9"], "there is no save 9 in .* lists them"),
        (damage, r"save 2 \(iteration 2\) can't be gone back to: its model.keras is cut off"),
        (lambda folder: ["--from", str(folder / "none")], "holds no model of 'tiny'"),
        (half, "holds no model of 'tiny': name a snapshot's folder"),
        (no_model, "half/tiny.keras' is damaged"),
    ],
)
def test_what_can_not_be_gone_back_to_is_told_and_nothing_changes(
    folder: Path, words: Callable[[Path], list[str]], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = words(folder)
    assert run(folder, *options) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1

    assert re.search(why, error)
    assert stands_at(folder) == (3, 3.0)
    assert not list(folder.parent.glob("*before_restore*"))


def test_it_waits_for_no_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FolderLock(folder):
        assert run(folder, "--save", "2") == 1
    assert "is in use by process" in capsys.readouterr().err
