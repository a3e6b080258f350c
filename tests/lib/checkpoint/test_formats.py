"""A stored model of every format goes on.

The stored models were trained for 12 iterations by the version of the program that wrote them.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from faceswap.cli import main
from lib.checkpoint.manifest import FORMAT, Manifest
from lib.checkpoint.store import ModelStore
from lib.model import compiling

ROOT = Path(__file__).parents[2]
STORED = sorted((ROOT / "fixtures" / "models").glob("format_*"))

assert compiling  # it registers the losses that a stored model names

Train = Callable[[Path], int]


@pytest.fixture
def train(rendered: dict[str, Path]) -> Train:
    """Trains a model for three iterations."""

    def run(folder: Path) -> int:
        return main(
            [
                *("train", "-A", str(rendered["a"]), "-B", str(rendered["b"]), "-m", str(folder)),
                *("-t", "tiny", "--plugin-dir", str(ROOT / "fixtures" / "plugins")),
                *("-b", "4", "-it", "3", "-n"),
            ]
        )

    return run


def test_there_is_one_of_every_format() -> None:
    assert [path.name for path in STORED] == [f"format_{number}" for number in range(FORMAT + 1)]


@pytest.mark.parametrize("stored", STORED, ids=lambda path: path.name)
def test_it_goes_on_and_is_of_this_format_then(stored: Path, tmp_path: Path, train: Train) -> None:
    folder = Path(shutil.copytree(stored, tmp_path / "model"))
    before = ModelStore(str(folder), "tiny").load()
    assert int(before.optimizer.iterations) == 12
    assert train(folder) == 0
    state = json.loads((folder / "tiny_state.json").read_text())
    assert state["iterations"] == 15
    assert state["config"]["width"] == 2
    assert sorted(state["sessions"]) == ["1", "2"]
    assert state["run"]["rescue"]["rate"] == 1
    (newest, *_) = ModelStore(str(folder), "tiny").saves.all()
    assert Manifest.read(newest.path).iterations == 15
    after = keras.saving.load_model(folder / "tiny.keras")
    assert int(after.optimizer.iterations) == 15
    for old, new in zip(before.get_weights(), after.get_weights(), strict=True):
        assert not np.array_equal(old, new)
        assert np.abs(old - new).max() < 0.01
