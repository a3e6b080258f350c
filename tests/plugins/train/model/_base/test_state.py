"""State: sessions, iterations, and options on resume."""

import json
import logging
from pathlib import Path

import pytest

from plugins.train.model._base import State


def make(folder: Path, **changeable: object) -> State:
    return State(str(folder), "tiny", changeable, no_logs=False)


def test_the_file_holds_what_the_specification_lists(tmp_path: Path) -> None:
    state = make(tmp_path, learning_rate=5e-5)
    state.restore_config({"learning_rate": 5e-5, "coverage": 80.0}, {"learning_rate"})
    state.add_session_batchsize(16)
    state.add_session_loss_names(["total", "face_a", "face_b"])
    state.increment_iterations()
    state.lowest_avg_loss = {"a": 0.5, "b": 0.25}
    state.save()
    stored = json.loads((tmp_path / "tiny_state.json").read_text())
    timestamp = stored["sessions"]["1"].pop("timestamp")
    assert isinstance(timestamp, float)
    assert stored == {
        "name": "tiny",
        "sessions": {
            "1": {
                "no_logs": False,
                "loss_names": ["total", "face_a", "face_b"],
                "batchsize": 16,
                "iterations": 1,
                "config": {"learning_rate": 5e-5},
            }
        },
        "lowest_avg_loss": {"a": 0.5, "b": 0.25},
        "iterations": 1,
        "config": {"learning_rate": 5e-5, "coverage": 80.0},
        "run": {},
    }


def test_every_start_opens_the_next_session(tmp_path: Path) -> None:
    first = make(tmp_path)
    assert first.session_id == 1
    assert first.iterations == 0
    for _ in range(3):
        first.increment_iterations()
    first.save()
    second = make(tmp_path)
    assert second.session_id == 2
    second.increment_iterations()
    assert second.iterations == 4
    assert second.current_session["iterations"] == 1
    second.save()
    assert make(tmp_path).session_id == 3


def test_nothing_is_written_before_a_save(tmp_path: Path) -> None:
    make(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_changeable_options_change_and_are_logged_and_fixed_ones_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"learning_rate": 1e-4, "coverage": 80.0}
    first = make(tmp_path, learning_rate=1e-4)
    first.restore_config(options, {"learning_rate"})
    first.save()
    with caplog.at_level(logging.INFO):
        second = make(tmp_path, learning_rate=2e-4)
        used = second.restore_config({"learning_rate": 2e-4, "coverage": 70.0}, {"learning_rate"})
    assert used == {"learning_rate": 2e-4, "coverage": 80.0}
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == "Option learning_rate: 0.0001 -> 0.0002"
    assert messages[1].startswith("Option coverage stays 80.0")
    assert len(messages) == 2
    assert second.current_session["config"] == {"learning_rate": 2e-4}


def test_an_option_that_is_new_since_the_model_was_begun_is_added(tmp_path: Path) -> None:
    make(tmp_path).save()
    state = make(tmp_path)
    assert state.restore_config({"fresh": 1}, ()) == {"fresh": 1}
    assert state.config == {"fresh": 1}


def test_an_option_that_was_set_holds_until_the_user_changes_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = make(tmp_path, learning_rate=5e-5, warmup_iterations=0)
    first.set_option("learning_rate", 1e-5)
    first.set_option("warmup_iterations", 9)
    first.set_option("warmup_iterations", 0)  # as the file says: it is not set any more
    first.save()
    stored = json.loads((tmp_path / "tiny_state.json").read_text())
    assert stored["set"] == {"learning_rate": {"value": 1e-5, "instead_of": 5e-5}}
    assert stored["sessions"]["1"]["config"] == {"learning_rate": 1e-5, "warmup_iterations": 0}
    with caplog.at_level(logging.INFO):
        second = make(tmp_path, learning_rate=5e-5)
        options = {"learning_rate": 5e-5}
        assert second.restore_config(options, options) == {"learning_rate": 1e-5}
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("Option learning_rate stays 1e-05, to which it was set")
    second.save()
    third = make(tmp_path, learning_rate=2e-5)
    assert third.config["learning_rate"] == 2e-5
    assert "set" not in third.describe()
