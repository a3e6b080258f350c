"""A run's reporter: what it writes and when, and that no failing disk ends a run."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib.live import reporter as module
from lib.live.events import EventLog
from lib.live.history import read_events
from lib.live.reporter import Reporter
from lib.live.status import Status, read_status


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def make(folder: Path) -> Reporter:
    return Reporter(
        folder, Status(state="starting", plugin="tiny", pid=7), save_interval=50, memory=lambda: 9
    )


def figures(reporter: Reporter, iteration: int, *losses: tuple[float, float]) -> None:
    reporter.figures(iteration, np.array(losses), 4.0, 0.25)


def begin(reporter: Reporter, tmp_path: Path) -> Path:
    log = tmp_path / "log.jsonl"
    reporter.begin(
        EventLog(log),
        100,
        1000,
        options={"learning_rate": 1e-3},
        batch_size=4,
        defaults={"learning_rate": 5e-5},
    )
    return log


def test_the_status_is_written_at_each_change_of_state_and_else_once_a_second(
    tmp_path: Path, clock: list[float]
) -> None:
    reporter = make(tmp_path)

    def seen() -> Any:
        reporter.tick()
        return read_status(tmp_path)

    assert seen().state == "starting"
    begin(reporter, tmp_path)
    assert (seen().state, seen().iteration, seen().next_save) == ("training", 100, 150)
    figures(reporter, 130, (0.5, 0.25))
    assert seen().iteration == 100
    clock[0] += 1
    assert (seen().iteration, seen().loss_a, seen().loss_b) == (130, 0.5, 0.25)
    assert (seen().rate, seen().waiting, seen().memory) == (4.0, 0.25, 9)
    assert (seen().seconds_to_save, seen().seconds_to_end) == (5.0, 217.5)
    reporter.option("learning_rate", 1e-3, 1e-5, "a test")
    assert (seen().options, seen().defaults) == ({"learning_rate": 1e-5}, {"learning_rate": 5e-5})
    reporter.stopping()
    assert (seen().state, seen().iteration) == ("stopping", 130)
    reporter.stopping(9)
    clock[0] += 1
    assert (seen().state, seen().iteration) == ("stopping", 9)
    reporter.end("failed", "no room")
    found = read_status(tmp_path)
    assert found is not None
    assert (found.state, found.message, found.pid, found.end) == ("failed", "no room", 7, 1000)


def test_what_happens_is_logged_in_order_and_means_are_of_what_was_finite(
    tmp_path: Path, clock: list[float]
) -> None:
    reporter = make(tmp_path)
    logging.getLogger("scripts").warning("early")
    log = begin(reporter, tmp_path)
    reporter.tick()
    assert read_events(log) == []  # nothing is told of a run that never trains
    figures(reporter, 101, (1.0, 2.0), (float("nan"), 1.0))
    reporter.tick()
    figures(reporter, 103, (3.0, 4.0))
    clock[0] += 10
    reporter.tick()
    reporter.option("learning_rate", 1e-3, 1e-5, "a test")
    figures(reporter, 104, (float("inf"), 0.0))
    reporter.end("stopped")
    logging.getLogger("scripts").warning("late")
    events = read_events(log)
    assert [event["event"] for event in events] == [
        *("begun", "warning", "progress", "option", "progress", "stopped"),
    ]
    begun, warning, first, option, second, _ = events
    assert (begun["begin"], begun["end"], begun["batch_size"], begun["pid"]) == (100, 1000, 4, 7)
    assert begun["options"] == {"learning_rate": 1e-3}
    assert (warning["text"], warning["iteration"]) == ("early", 100)
    assert (first["loss_a"], first["loss_b"], first["iteration"]) == (2.0, 3.0, 103)
    assert (option["name"], option["old"], option["new"]) == ("learning_rate", 1e-3, 1e-5)
    assert second["loss_a"] is None


def test_a_disk_that_fails_is_told_once(
    tmp_path: Path, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "live").write_text("a file in the folder's place")
    reporter = make(tmp_path / "live")
    for number in range(3):
        figures(reporter, number, (1.0, 1.0))
        clock[0] += 1
        reporter.tick()
    reporter.end("stopped")
    assert sum("training goes on" in message for message in caplog.messages) == 1


def test_losses_that_are_no_numbers_are_null(tmp_path: Path, clock: list[float]) -> None:
    reporter = make(tmp_path)
    figures(reporter, 1, (float("nan"), 1.0))
    reporter.end("stopped")
    held = json.loads((tmp_path / "status.json").read_text())
    assert (held["loss_a"], held["loss_b"]) == (None, 1.0)


def test_a_run_that_never_trains_leaves_no_folder_that_was_not_there(tmp_path: Path) -> None:
    for is_there in (False, True):
        reporter = make(tmp_path / "live")
        reporter.tick()
        reporter.end("failed", "no faces")
        assert (tmp_path / "live").exists() == is_there
        (tmp_path / "live").mkdir(exist_ok=True)
    found = read_status(tmp_path / "live")
    assert found is not None
    assert (found.state, found.message) == ("failed", "no faces")
