"""A run is killed at any moment, and the next one goes on from the newest save that was completed.

Ten kills; ``FACESWAP_KILLS=100 pytest -s tests/e2e/test_killed.py`` for more, with their figures.
"""

import hashlib
import json
import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import keras
import pytest

import plugins.train.model._base  # noqa: F401 - makes layers and losses known to Keras

KILLS = int(os.environ.get("FACESWAP_KILLS", "10"))
KILLS_IN_A_ROW = 2
LONGEST = 2.5
"""Seconds within which most runs that are killed at any time come to their end."""
TINY = Path(__file__).parents[1] / "fixtures" / "plugins" / "tiny.py"
COUNTING = """

import os

def add_history(self, loss):
    ModelBase.add_history(self, loss)
    os.pwrite(COUNTER, b"%08d" % self.iterations, 0)

Model.add_history = add_history
COUNTER = os.open({!r}, os.O_WRONLY | os.O_CREAT)
"""


@dataclass
class Figures:
    kills: int = 0
    before_the_first: int = 0
    within_a_save: int = 0
    lost: list[int] = field(default_factory=list)


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    counted = Figures()
    yield counted
    print(
        f"\n{counted.kills} kills: {counted.within_a_save} within a save, "
        f"{counted.before_the_first} before the first save; iterations lost: "
        f"{max(counted.lost, default=0)} at most, {sum(counted.lost) / max(counted.kills, 1):.1f} "
        "on average"
    )


def newest(model: Path) -> int:
    """Iterations of the newest save, which is looked through by its own list of files."""
    saves = [
        path for path in (model / "tiny_saves").glob("*") if re.fullmatch(r"\d{6}_\d+", path.name)
    ]
    for save in saves:
        about = json.loads((save / "manifest.json").read_text())
        assert {path.name for path in save.iterdir()} == {*about["files"], "manifest.json"}
        for name, entry in about["files"].items():
            content = (save / name).read_bytes()
            assert len(content) == entry["bytes"]
            assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    return max((int(path.name.partition("_")[2]) for path in saves), default=0)


def leftovers(folder: Path) -> list[str]:
    found = [path for path in folder.rglob(".*") if path.name not in (".lock", ".holder.json")]
    return sorted(str(path.relative_to(folder)) for path in found)


def is_within_a_save(folder: Path) -> bool:
    """Whether a save is half done, or done and not yet shown under the plain name."""
    saves = sorted((folder / "model" / "tiny_saves").glob("0*"))
    plain = folder / "model" / "tiny.keras"
    shown = not saves or (plain.exists() and plain.samefile(saves[-1] / "model.keras"))
    return bool(leftovers(folder)) or not shown


def wait_for_the_moment(run, model: Path, rng: random.Random) -> None:
    """Let a run come to a moment within a save, or to any moment."""
    if rng.random() < 0.5:
        time.sleep(rng.uniform(0, LONGEST))
        return
    for _ in range(rng.randint(1, 6)):
        run.until(lambda: list((model / "tiny_saves").glob(".partial-*")))
        run.until(lambda: not list((model / "tiny_saves").glob(".partial-*")))
    run.until(lambda: list((model / "tiny_saves").glob(".partial-*")))
    time.sleep(rng.uniform(0, 0.05))


@pytest.mark.parametrize("seed", range(KILLS // KILLS_IN_A_ROW))
def test_a_killed_run_goes_on_from_its_newest_save(
    seed: int, train: Callable, tmp_path: Path, figures: Figures
) -> None:
    rng = random.Random(seed)
    model, counter = tmp_path / "model", tmp_path / "counter"
    (tmp_path / "plugins").mkdir()
    counting = TINY.read_text() + COUNTING.format(str(counter))
    (tmp_path / "plugins" / "tiny.py").write_text(counting)
    words = ["-s", "3", "--snapshot-interval", "10", "--plugin-dir", str(tmp_path / "plugins")]
    at = 0
    for _ in range(KILLS_IN_A_ROW):
        counter.unlink(missing_ok=True)
        run = train("-it", "100000", *words)
        wait_for_the_moment(run, model, rng)
        run.send(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL, run.printed
        check_resumed(run.printed, at)
        figures.kills += 1
        figures.within_a_save += is_within_a_save(tmp_path)
        before, at = at, newest(model)
        told = [int(n) for n in re.findall(r"^Saved at iteration (\d+)", run.printed, re.MULTILINE)]
        assert at >= max(told, default=before), "a save that was told of is lost"
        figures.before_the_first += not at
        trained = int(counter.read_text() or 0) if counter.exists() else 0
        figures.lost.append(max(trained - at, 0))
    run = train("-it", "4", *words)
    assert run.wait() == 0, run.printed
    check_resumed(run.printed, at)
    assert "Traceback" not in run.printed
    assert newest(model) == at + 4
    assert leftovers(tmp_path) == []
    assert int(keras.saving.load_model(model / "tiny.keras").optimizer.iterations) == at + 4


def test_half_a_snapshot_of_a_killed_run_goes(train: Callable, tmp_path: Path) -> None:
    (tmp_path / ".model_snapshot_7_iters.partial" / "tiny_saves").mkdir(parents=True)
    (tmp_path / "model").mkdir()
    run = train("-it", "1")
    assert run.wait() == 0, run.printed
    assert leftovers(tmp_path) == []


def check_resumed(printed: str, at: int) -> None:
    """Check that a run, if it came so far, began where it should."""
    begun = re.search(r"Model 'tiny' in \S+: (resumed at iteration ([\d,]+)|new)", printed)
    if begun:
        assert int((begun[2] or "0").replace(",", "")) == at
