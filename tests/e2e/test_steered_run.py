"""A run is watched and steered from outside, by the commands that do so."""

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib.errors import FaceswapError
from lib.live.history import log_path, newest, read_events
from lib.live.overview import Overview, overview
from lib.live.samples import read_samples
from lib.live.status import Status, live_folder, read_status
from scripts.arguments import make_parser
from scripts.control import Control

Start = Callable[..., Any]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tmp_path / "model"


def control(model: Path, *words: str) -> None:
    arguments: Namespace = make_parser().parse_args(["control", str(model), *words])
    Control(arguments).process()


def status(model: Path) -> Status | None:
    return read_status(live_folder(model, "tiny"))


def trains(model: Path) -> bool:
    seen = status(model)
    return seen is not None and seen.state == "training" and seen.iteration > 0


def happened(model: Path, event: str, more: int = 0) -> bool:
    events = read_events(log_path(model, "tiny"))
    return sum(one["event"] == event for one in events) > more


def test_a_run_is_saved_copied_changed_and_stopped_from_outside_and_keeps_what_was_set(
    train: Start, model: Path, tmp_path: Path
) -> None:
    run = train("-s", "100000", "-w")
    run.until(lambda: trains(model) and happened(model, "saved"))
    control(model, "set", "learning_rate", "1e-5")
    control(model, "set", "gradient_clipping", "norm")
    with pytest.raises(FaceswapError, match="must be a number from 1e-06 to 0.1"):
        control(model, "set", "learning_rate", "none")
    control(model, "save")
    run.until(lambda: happened(model, "saved", more=1))
    control(model, "snapshot")
    run.until(lambda: happened(model, "snapshot"))
    before = (model / "training_preview.png").stat().st_mtime_ns
    control(model, "refresh")
    run.until(lambda: (model / "training_preview.png").stat().st_mtime_ns > before)
    found: Overview = overview(model)
    assert found.state == "running"
    assert found.status is not None
    assert found.status.pid == run.pid
    assert found.status.options["learning_rate"] == 1e-5
    assert "is not set, as faceswap control asked for" in found.warnings[-1]["text"]
    control(model, "stop")
    assert run.wait() == 0
    found = overview(model)
    assert found.state == "stopped"
    events = read_events(log_path(model, "tiny"))
    options = [event for event in events if event["event"] == "option"]
    assert [(one["name"], one["old"], one["new"]) for one in options] == [
        ("learning_rate", 5e-5, 1e-5),
        ("gradient_clipping", None, "norm"),
    ]
    (copy,) = tmp_path.glob("model_snapshot_*_iters")
    assert not (copy / "tiny_live").exists()
    state = json.loads((model / "tiny_state.json").read_text())
    assert found.saved is not None
    assert state["iterations"] == found.saved["iteration"] == events[-1]["iteration"]
    drawn = read_samples(live_folder(model, "tiny"))
    assert drawn is not None
    assert drawn[0] == state["iterations"]
    assert all(np.ptp(faces.swapped) > 0 for faces in drawn[1].values())
    assert train("-it", "2").wait() == 0
    begun = newest(read_events(log_path(model, "tiny")), "begun")
    assert begun is not None
    assert begun["options"]["learning_rate"] == 1e-5
    assert begun["options"]["gradient_clipping"] == "norm"
