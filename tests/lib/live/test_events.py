"""The log of JSON lines: what stands in it, and that a failing disk does not end a run."""

import json
import logging
import time
from pathlib import Path

import pytest

from lib.live.events import EventLog


def test_each_event_is_a_line_of_json(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "model" / "log.jsonl")
    log.add("held_out", 500, psnr=24.5, ssim=0.75)
    log.add("plateau", 600, text="no better\nfor long")
    lines = (tmp_path / "model" / "log.jsonl").read_text().splitlines()
    first, second = map(json.loads, lines)
    assert abs(first.pop("time") - time.time()) < 60
    assert first == {"event": "held_out", "iteration": 500, "psnr": 24.5, "ssim": 0.75}
    assert second["text"] == "no better\nfor long"


def test_a_later_run_adds_to_the_file(tmp_path: Path) -> None:
    for iteration in (1, 2):
        EventLog(tmp_path / "log.jsonl").add("x", iteration)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["iteration"] for line in lines] == [1, 2]


def test_half_a_line_that_a_killed_run_left_costs_no_event(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"time": 1, "ev')
    log = EventLog(path)
    log.add("begun", 1)
    log.add("x", 2)
    half, *whole = path.read_text().splitlines()
    assert half == '{"time": 1, "ev'
    assert [json.loads(line)["iteration"] for line in whole] == [1, 2]


def test_what_json_lacks_becomes_null(tmp_path: Path) -> None:
    values = {"loss": float("nan"), "options": {"rate": float("inf"), "flip": True}}
    EventLog(tmp_path / "log.jsonl").add("x", 1, psnr=float("inf"), **values)
    line = json.loads((tmp_path / "log.jsonl").read_text())
    assert (line["psnr"], line["loss"]) == (None, None)
    assert line["options"] == {"rate": None, "flip": True}


def test_a_file_that_cannot_be_written_is_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = EventLog(tmp_path)
    with caplog.at_level(logging.WARNING):
        log.add("x", 1)
        log.add("x", 2)
    assert len(caplog.messages) == 1
    assert "training goes on" in caplog.messages[0]
