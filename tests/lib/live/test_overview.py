"""What is told of a run from outside: its name, its state, its history."""

import json
import math
import time
from pathlib import Path

import pytest

from lib.errors import FaceswapError
from lib.folder_lock import FolderLock
from lib.live.history import newest, read_events
from lib.live.overview import model_in, overview
from lib.live.record import Record, stored_options
from lib.live.state import state_of
from lib.live.status import Status, live_folder, write_status


def tell(folder: Path, state: str) -> None:
    write_status(live_folder(folder, "tiny"), Status(state=state, plugin="tiny"))


def event(name: str, iteration: int, time: float, **more: object) -> dict[str, object]:
    return {"event": name, "iteration": iteration, "time": time, **more}


@pytest.mark.parametrize("told", ["starting", "training", "stopping"])
def test_a_run_that_ended_without_a_word_was_killed(tmp_path: Path, told: str) -> None:
    assert state_of(tmp_path, "tiny") is None
    tell(tmp_path, told)
    with FolderLock(tmp_path):
        assert state_of(tmp_path, "tiny") == "running"
    assert state_of(tmp_path, "tiny") == "killed"


@pytest.mark.parametrize("told", ["stopped", "failed"])
def test_a_run_that_told_its_end_has_ended(tmp_path: Path, told: str) -> None:
    tell(tmp_path, told)
    assert state_of(tmp_path, "tiny") == told


def test_lines_that_are_no_event_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    assert read_events(path) == []
    good = [json.dumps(event("x", number, 5.0)) for number in (1, 2)]
    path.write_text("\n".join([good[0], "", "[1]", '{"event": "x"}', "\x00\x00", good[1], '{"ev']))
    assert [one["iteration"] for one in read_events(path)] == [1, 2]
    assert [one["iteration"] for one in read_events(path, len(good[0]))] == [2]
    assert newest(read_events(path), "x") == event("x", 2, 5.0)
    assert newest(read_events(path), "y") is None


@pytest.mark.parametrize(
    "wrong",
    [{"time": math.nan}, {"time": math.inf}, {"iteration": 10**400}, {"iteration": -1}],
)
def test_times_and_iterations_that_are_none_are_passed_over(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps(event("x", 1, 5.0) | wrong))
    assert read_events(path) == []


def test_a_figure_beyond_all_numbers_is_none() -> None:
    record = Record.of([event("progress", 1, 5.0, loss_a=10**400, loss_b=0.5)])
    assert math.isnan(record.losses[0].values["loss_a"])
    assert record.losses[0].values["loss_b"] == 0.5


def test_a_long_log_of_many_runs_is_gone_through_at_once() -> None:
    events = [
        event("begun" if number % 10 == 0 else "progress", number, float(number))
        for number in range(50_000)
    ]
    start = time.process_time()
    assert len(Record.of(events).losses) == 45_000
    assert time.process_time() - start < 5  # minutes, where each run looked at all points


def test_a_record_goes_on_where_it_stood() -> None:
    events = [
        event("begun", 0, 0.0),
        event("progress", 5, 3600.0, loss_a=0.5),
        event("begun", 3, 9000.0),
        event("progress", 8, 12600.0, loss_a=0.25),
        event("held_out", 8, 12601.0, psnr=20.0),
    ]
    whole = Record.of(events)
    assert (whole.iterations, whole.hours, len(whole.losses)) == (8, pytest.approx(2, abs=0.01), 1)
    for cut in range(len(events)):
        first = Record.of(events[:cut])
        shown = str(first)
        assert str(first.extended(events[cut:])) == str(whole)
        assert str(first) == shown


def test_a_folder_has_the_name_of_its_one_model(tmp_path: Path) -> None:
    with pytest.raises(FaceswapError, match="holds no model"):
        model_in(tmp_path)
    (tmp_path / "tiny_live").mkdir()
    (tmp_path / "tiny_log.jsonl").touch()
    assert model_in(tmp_path) == "tiny"
    (tmp_path / "other_state.json").touch()
    with pytest.raises(FaceswapError, match="several models, other, tiny"):
        model_in(tmp_path)


def test_warnings_are_those_of_the_last_run(tmp_path: Path) -> None:
    tell(tmp_path, "stopped")
    told = [event("warning", 1, 1.0, text="old"), event("begun", 5, 2.0)]
    told += [event("warning", 6, 3.0, text=str(number)) for number in range(5)]
    told += [event("saved", 7, 4.0), event("held_out", 7, 4.0, psnr=20.5, ssim=0.5)]
    (tmp_path / "tiny_log.jsonl").write_text("\n".join(map(json.dumps, told)))
    found = overview(tmp_path)
    assert [one["text"] for one in found.warnings] == ["2", "3", "4"]
    assert found.state == found.as_json()["state"] == "stopped"
    assert found.saved is not None
    assert found.saved["iteration"] == 7
    assert found.as_json()["status"]["seconds_to_end"] is None


def test_time_trained_leaves_pauses_out_and_what_was_trained_in_vain_is_forgotten() -> None:
    losses = {"loss_a": 1.0, "loss_b": 2.0}
    record = Record.of(
        [
            event("begun", 0, 1000.0),
            event("progress", 50, 1000.0 + 3600, **losses),
            event("progress", 90, 1000.0 + 7200, **losses),
            event("begun", 60, 50_000.0),  # the run before was killed after its save at 60
            event("progress", 80, 50_000.0 + 1800, loss_a=None, loss_b=3.0),
            event("held_out", 80, 50_000.0 + 1800, psnr=25.0, ssim=0.75),
            event("gone_back", 70, 50_000.0 + 3600),
        ]
    )
    assert [(point.iteration, point.hours) for point in record.losses] == [(50, 1.0)]
    assert record.scores == []
    assert (record.iterations, record.hours) == (70, 3.0)


def test_time_between_runs_is_none_of_training_whatever_is_told_in_it() -> None:
    ended = [event("begun", 0, 100.0), event("stopped", 50, 3700.0)]
    killed = [event("begun", 0, 100.0), event("progress", 50, 3700.0, loss_a=1.0, loss_b=1.0)]
    for first in ended, killed:
        record = Record.of([*first, event("restored", 40, 9000.0)])
        assert record.hours == 1.0
        later = [event("restored", 30, 9500.0), event("begun", 30, 9900.0)]
        assert record.extended([*later, event("progress", 60, 11700.0)]).hours == 1.5


def test_a_log_of_earlier_versions_has_scores_without_times() -> None:
    record = Record.of([event("held_out", 500, 9.0, psnr=None, ssim=0.5)])
    (point,) = record.scores
    assert (point.iteration, point.values["ssim"]) == (500, 0.5)
    assert math.isnan(point.hours)
    assert math.isnan(point.values["psnr"])
    assert math.isnan(record.hours)


def test_options_are_those_of_the_last_session(tmp_path: Path) -> None:
    assert stored_options(tmp_path, "tiny") == {}
    sessions = {"9": {"batchsize": 8}, "10": {"batchsize": 16}}
    state = {"config": {"coverage": 80.0}, "sessions": sessions}
    (tmp_path / "tiny_state.json").write_text(json.dumps(state))
    assert stored_options(tmp_path, "tiny") == {"coverage": 80.0, "batch_size": 16}


def test_a_folder_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.listdir", refuse)
    with pytest.raises(FaceswapError, match="can't be read: Permission denied"):
        model_in(tmp_path)
