"""Runs that break down: each step that would spoil the weights is skipped, and the run recovers."""

import json
import re
import shutil
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceswap.cli import main
from plugins import loader

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"

Train = Callable[..., int]


@pytest.fixture
def train(rendered: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Train the fragile model; losses are looked at after every iteration."""
    monkeypatch.setattr("lib.logs.losses.SECONDS_BETWEEN_READS", 0.0)

    def run(*more: str, a: Path = rendered["a"]) -> int:
        return main(
            [
                *("train", "-A", str(a), "-B", str(rendered["b"]), "-m", str(tmp_path / "model")),
                *("-t", "fragile", "--plugin-dir", str(PLUGINS), "-b", "4", "-n", *more),
            ]
        )

    return run


def events(tmp_path: Path) -> list[dict[str, Any]]:
    file = tmp_path / "model" / "fragile_log.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def loaded(tmp_path: Path) -> Any:
    arguments = Namespace(configfile=None, plugin_dir=str(PLUGINS), no_logs=True)
    model = loader.load_model("fragile", str(PLUGINS))(str(tmp_path / "model"), arguments)
    model.build()
    return model


def assert_whole(tmp_path: Path) -> None:
    model = loaded(tmp_path)
    values = [*model.model.get_weights(), *(v.numpy() for v in model.model.optimizer.variables)]
    assert all(np.isfinite(value).all() for value in values)


def test_a_step_that_is_no_number_is_skipped_and_its_cause_is_named(
    train: Train, rendered: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faces = Path(shutil.copytree(rendered["a"], tmp_path / "a"))
    cv2.imwrite(str(faces / "white.png"), np.full((64, 64, 3), 255, np.uint8))
    assert train("-it", "40", "-s", "100", "-nac", "-nw", a=faces) == 0
    out = capsys.readouterr().out
    warnings = [line for line in out.splitlines() if "was skipped" in line]
    # The white face comes up once in 31 faces.
    assert 3 <= len(warnings) <= 6
    assert all("the model's own output face_a (side A) is not finite" in line for line in warnings)
    assert all(line.endswith(f"faces: A {faces / 'white.png'}") for line in warnings)
    assert "Stopped at iteration 40" in out
    skipped = [event for event in events(tmp_path) if event["event"] == "bad_step"]
    assert [event["files"] for event in skipped] == [f"A {faces / 'white.png'}"] * len(warnings)
    assert_whole(tmp_path)
    assert int(loaded(tmp_path).model.optimizer.iterations) == 40 - len(warnings)


def test_after_many_in_a_row_the_run_goes_back_and_on_more_slowly(
    train: Train,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Each bad step takes a second call, to find out why.
    monkeypatch.setenv("FRAGILE", "nan 32 52")
    assert train("-it", "50", "-s", "10") == 0
    out = capsys.readouterr().out
    assert (
        "Training has broken down at iteration 41: 10 iterations in a row had losses or gradients "
        "that are not finite. Back to the save of iteration 40, and on at 0.5 times the learning "
        "rate"
    ) in out
    assert "Stopped at iteration 50" in out
    assert [event["event"] for event in events(tmp_path)].count("gone_back") == 1
    model = loaded(tmp_path)
    assert model.iterations == 50
    assert model.state.last_run["rescue"]["rate"] == 0.5
    assert int(model.model.optimizer.iterations) == 41
    assert_whole(tmp_path)


def test_a_lowered_rate_stays_until_the_user_sets_another(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAGILE", "nan 10 30")
    assert train("-it", "30", "-s", "5") == 0
    monkeypatch.delenv("FRAGILE")
    assert train("-it", "2") == 0
    assert loaded(tmp_path).state.last_run["rescue"]["rate"] == 0.5
    (tmp_path / "train.ini").write_text("[global]\nlearning_rate = 1e-5\n")
    assert train("-it", "2", "-C", str(tmp_path / "train.ini")) == 0
    assert loaded(tmp_path).state.last_run["rescue"]["rate"] == 1


def test_where_going_back_does_not_help_the_run_ends_and_the_model_is_whole(
    train: Train,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FRAGILE", "nan 30 100000")
    assert train("-it", "1000", "-s", "10") == 3
    captured = capsys.readouterr()
    gone_back = [event for event in events(tmp_path) if event["event"] == "gone_back"]
    # One save further back each time.
    assert [event["iteration"] for event in gone_back] == [30, 20, 10]
    assert [event["rate"] for event in gone_back] == [0.5, 0.25, 0.125]
    assert len(captured.err.splitlines()) == 1
    assert "broke down again at iteration" in captured.err
    assert "after going back 3 times" in captured.err
    assert_whole(tmp_path)


@pytest.mark.parametrize(
    ("factor", "what"), [("0", "have gone flat"), ("-300", "the loss of side|have gone garish")]
)
def test_a_collapse_without_a_wrong_number_is_treated_alike(
    train: Train,
    tmp_path: Path,
    factor: str,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "train.ini").write_text("[global]\nlearning_rate = 2e-3\n")
    monkeypatch.setenv("FRAGILE", f"{factor} 201 211")
    assert train("-it", "260", "-s", "50", "-C", str(tmp_path / "train.ini")) == 0
    out = capsys.readouterr().out
    (warning,) = (line for line in out.splitlines() if "has broken down" in line)
    assert re.search(what, warning)
    # The one of 200 may have been made when it had begun.
    assert "Back to the save of iteration 150" in warning
    assert_whole(tmp_path)


def test_a_learning_rate_far_too_high_is_found_out(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("-it", "130", "-s", "100") == 0
    capsys.readouterr()
    ini = tmp_path / "train.ini"
    ini.write_text("[global]\nlearning_rate = 0.1\n")
    assert train("-it", "60", "-s", "100", "-C", str(ini)) in (0, 3)
    first = next(event for event in events(tmp_path) if event["event"] == "breakdown")
    assert 130 < first["iteration"] <= 160
    assert_whole(tmp_path)


def test_without_protection_every_step_is_taken(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "train.ini").write_text("[global]\nnan_protection = False\n")
    monkeypatch.setenv("FRAGILE", "nan 5 6")
    assert train("-it", "8", "-s", "100", "-C", str(tmp_path / "train.ini")) == 0
    assert {event["event"] for event in events(tmp_path)}.isdisjoint(
        {"bad_step", "breakdown", "gone_back"}
    )
    assert not np.isfinite(loaded(tmp_path).model.get_weights()[0]).all()
