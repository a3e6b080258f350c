"""A run that was stopped and resumed equals one that was not, bit for bit."""

import json
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from faceswap.cli import main
from lib.checkpoint.generations import Generations
from lib.checkpoint.saver import Saver

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"

Words = Callable[..., list[str]]

INI = """
[global]
optimizer = adam
learning_rate = 1e-3
{precision}
[global.optimizer]
gradient_clipping = autoclip
warmup_iterations = 8
decay_iterations = 20
"""
FLOAT16 = "mixed_precision = True\nmixed_precision_type = float16\n"
BFLOAT16 = "mixed_precision = True\n"


@pytest.fixture(autouse=True)
def _saves_when_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow disk a save is put off, and losses are averaged over what lies between saves."""
    monkeypatch.setattr(Saver, "is_busy", False)


@pytest.fixture
def words(rendered: dict[str, Path], tmp_path: Path) -> Words:
    """Words of a command that trains in a folder for so many iterations."""

    def make(folder: str, iterations: int, *more: str, model: str = "noisy") -> list[str]:
        return [
            *("train", "-A", str(rendered["a"]), "-B", str(rendered["b"]), "-t", model),
            *("-m", str(tmp_path / folder), "-b", "4", "-it", str(iterations), "-s", "5"),
            *("--plugin-dir", str(PLUGINS), "-C", str(tmp_path / "train.ini"), *more),
        ]

    (tmp_path / "train.ini").write_text(INI.format(precision=""))
    return make


def arrays(folder: Path) -> dict[str, np.ndarray]:
    """Every number of the newest save: weights, optimizer with its average, random numbers."""
    newest = max((folder / f"{find_name(folder)}_saves").iterdir())
    with zipfile.ZipFile(newest / "model.keras") as archive:
        file = h5py.File(BytesIO(archive.read("model.weights.h5")))
    found: dict[str, np.ndarray] = {}
    file.visititems(
        lambda name, item: found.update({name: item[()]} if hasattr(item, "dtype") else {})
    )
    with np.load(newest / "random.npz") as random:
        found |= {f"random/{name}": random[name] for name in random.files}
    return found


def rate_of(folder: Path) -> float:
    """The learning rate by the configuration in the newest save."""
    with zipfile.ZipFile(folder / f"{find_name(folder)}.keras") as archive:
        config = json.loads(archive.read("config.json"))
    return float(config["compile_config"]["optimizer"]["config"]["learning_rate"])


def find_name(folder: Path) -> str:
    return next(folder.glob("*_saves")).name.removesuffix("_saves")


def kept(folder: Path) -> dict[str, Any]:
    """The part of the state that does not tell sessions apart."""
    state = json.loads((folder / f"{find_name(folder)}_state.json").read_text())
    return {key: state[key] for key in ("iterations", "lowest_avg_loss", "config", "run")}


def losses(folder: Path) -> dict[int, float]:
    """The total loss of every iteration, over all sessions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    found = {}
    for session in sorted(folder.glob("*_logs/session_*/train")):
        events = EventAccumulator(str(session))
        events.Reload()
        found |= {event.step: event.value for event in events.Scalars("total")}
    return found


def differing(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> list[str]:
    return [name for name in ours if ours[name].tobytes() != theirs[name].tobytes()]


def assert_same(one: Path, other: Path) -> None:
    ours, theirs = arrays(one), arrays(other)
    assert ours.keys() == theirs.keys()
    assert len(ours) > 20
    assert differing(ours, theirs) == []
    assert kept(one) == kept(other)
    assert losses(one) == losses(other)


@pytest.mark.parametrize("precision", ["", BFLOAT16, FLOAT16], ids=["32", "bfloat16", "float16"])
def test_stopped_and_resumed_equals_straight(words: Words, tmp_path: Path, precision: str) -> None:
    (tmp_path / "train.ini").write_text(INI.format(precision=precision))
    assert main(words("straight", 20)) == 0
    assert main(words("resumed", 10)) == 0
    assert main(words("resumed", 10)) == 0
    assert_same(tmp_path / "straight", tmp_path / "resumed")
    assert len(losses(tmp_path / "straight")) == 20
    rate = float(arrays(tmp_path / "resumed")["optimizer/vars/1"])
    assert rate_of(tmp_path / "straight") == rate_of(tmp_path / "resumed") == rate
    if precision == FLOAT16:
        assert kept(tmp_path / "resumed")["run"]["loss_scale"]["good_steps"] > 0


def test_the_same_seed_is_the_same_run_and_another_is_not(words: Words, tmp_path: Path) -> None:
    for folder, seed in (("one", "3"), ("two", "3"), ("other", "4")):
        assert main(words(folder, 6, "--seed", seed)) == 0
    assert_same(tmp_path / "one", tmp_path / "two")
    assert losses(tmp_path / "one") != losses(tmp_path / "other")


def test_killed_and_resumed_from_the_last_save_equals_straight(
    words: Words, tmp_path: Path
) -> None:
    assert main(words("straight", 40)) == 0
    saves = Generations(tmp_path / "killed", "noisy")
    process = subprocess.Popen(
        [sys.executable, "-m", "faceswap", *words("killed", 100_000)],
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 60
        while not any(save.iterations >= 10 for save in saves.all()):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    saved = saves.all()[0].iterations
    assert 10 <= saved < 40, "the process was not killed in time"
    assert main(words("killed", 40 - saved)) == 0
    straight, killed = (arrays(tmp_path / name) for name in ("straight", "killed"))
    assert differing(straight, killed) == []
    ours, theirs = kept(tmp_path / "straight"), kept(tmp_path / "killed")
    for state in ours, theirs:
        del state["lowest_avg_loss"]  # the killed one's saves may have been put off
    assert ours == theirs


@pytest.mark.slow
def test_compact_on_real_faces(grid: Path, words: Words, tmp_path: Path) -> None:
    """Two hundred iterations of the model for CPUs, as its users run it."""
    faces = ["-A", str(grid / "bbaf2n"), "-B", str(grid / "sbia1a")]

    def run(folder: str, iterations: int) -> None:
        options = words(folder, iterations, *faces, "-s", "50", model="compact")
        assert main(options) == 0

    run("straight", 200)
    run("resumed", 100)
    run("resumed", 100)
    assert_same(tmp_path / "straight", tmp_path / "resumed")
