"""The commands status, control and runs, on folders as runs leave them."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest
from PIL import Image

from lib.errors import FaceswapError
from lib.folder_lock import FolderLock
from lib.live.asks import Ask, Asks
from lib.live.events import EventLog
from lib.live.history import log_path
from lib.live.status import Status, live_folder, write_status
from scripts import control
from scripts.arguments import make_parser
from scripts.control import Control
from scripts.runs import Runs
from scripts.status import Status as StatusCommand

RATE = {"learning_rate": 1e-3}


def tell(folder: Path, state: str = "training", **more: object) -> None:
    told = Status(
        **{"state": state, "plugin": "tiny", "options": RATE, "iteration": 1250, "end": 2000}
        | {"changed": time.time(), "started": time.time(), **more}
    )
    write_status(live_folder(folder, "tiny"), told)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    arguments = make_parser().parse_args([*words])
    {"status": StatusCommand, "control": Control, "runs": Runs}[arguments.command](
        arguments
    ).process()
    return capsys.readouterr().out


def test_status_tells_a_run_in_words_and_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"rate": 5.0, "waiting": 0.01, "next_save": 1300, "loss_a": 0.5, "loss_b": 0.25}
    tell(tmp_path, memory=3 * 2**30, pid=77, host="here", **more)
    log = EventLog(log_path(tmp_path, "tiny"))
    log.add("saved", 1000)
    log.add("held_out", 1000, psnr=24.126, ssim=None)
    log.add("warning", 1100, text="faces are few")
    with FolderLock(tmp_path):
        text = printed(capsys, "status", str(tmp_path))
        held = json.loads(printed(capsys, "status", str(tmp_path), "--json"))
    for part in (
        "training, process 77 on 'here' since",
        "1,250 of 2,000, 2 min 30 s left",
        "A 0.50000, B 0.25000",
        "5.0 it/s, 1% waiting for data, 3.2 GB of memory",
        "the last at iteration 1,000, 0 s ago; the next at 1,300, in 10 s",
        "PSNR 24.13, SSIM none at iteration 1,000",
        "learning_rate 0.001",
        "faces are few",
    ):
        assert part in text
    assert (held["state"], held["model"]) == ("running", "tiny")
    assert held["status"]["seconds_to_end"] == 150
    assert held["saved"]["iteration"] == 1000
    assert "killed, or its machine went down" in printed(capsys, "status", str(tmp_path))
    tell(tmp_path, "failed", message="no \x1b[31mroom")
    assert "ago, begun" in (text := printed(capsys, "status", str(tmp_path)))
    assert "no \\x1b[31mroom" in text


def test_a_run_without_an_end_in_sight_ends_when_it_is_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(tmp_path, begin=20, end=1_000_020, rate=5.0, next_save=1300)
    with FolderLock(tmp_path):
        text = printed(capsys, "status", str(tmp_path))
    assert "Iteration   1,250, begun at 20, ends when it is stopped" in text


def test_status_tells_the_options_that_were_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(**set_ones: object) -> str:
        tell(tmp_path, options=defaults | set_ones, defaults=defaults)
        text = printed(capsys, "status", str(tmp_path))
        return text.partition("Options     ")[2].splitlines()[0]

    defaults = {"mixed_precision": None, "beta_1": 0.9, "learning_rate": 5e-5}
    assert told() == "as by default"
    defaults["nan_protection"] = False
    assert told(nan_protection=None) == "nan_protection None, all others as by default"
    changed = told(learning_rate=1e-3, mixed_precision=True)
    assert changed == "learning_rate 0.001, mixed_precision True, all others as by default"
    defaults = {}
    assert told(mixed_precision=None, beta_1=0.9) == "beta_1 0.9"


def test_status_counts_the_warnings_of_the_beginning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(tmp_path)
    log = EventLog(log_path(tmp_path, "tiny"))
    for iteration in (20, 30):
        log.add("begun", iteration)
        log.add("warning", iteration, text="faces are few")
    log.add("warning", 31, text="a file has gone")
    text = printed(capsys, "status", str(tmp_path))
    assert "Warnings    1 as it began, told in tiny_log.jsonl" in text
    assert "faces are few" not in text
    assert "ago: a file has gone" in text
    log.add("gone_back", 25)
    log.add("warning", 25, text="training broke down")
    text = printed(capsys, "status", str(tmp_path))
    assert "Warnings    1 as it began" in text
    assert "ago: training broke down" in text


def test_a_run_that_has_gone_back_to_before_its_begin_still_has_an_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(tmp_path, begin=1300, end=2000, rate=5.0, next_save=1300)
    with FolderLock(tmp_path):
        text = printed(capsys, "status", str(tmp_path))
    assert "Iteration   1,250 of 2,000, begun at 1,300" in text


@pytest.mark.parametrize(
    ("iteration", "told"), [(19, "19"), (30, "30 of 33, begun at 20"), (50, "50")]
)
def test_a_model_restored_to_before_or_after_its_last_run_is_at_no_iteration_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], iteration: int, told: str
) -> None:
    tell(tmp_path, "stopped", begin=20, end=33, iteration=iteration)
    assert f"Iteration   {told}\n" in printed(capsys, "status", str(tmp_path))


def test_status_says_since_when_a_run_that_goes_on_is_silent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(tmp_path, changed=time.time() - 125)
    with FolderLock(tmp_path):
        text = " ".join(printed(capsys, "status", str(tmp_path)).split())
    assert ", silent for 2 min 5 s" in text
    tell(tmp_path, "starting", changed=time.time() - 125)
    with FolderLock(tmp_path):
        assert "silent" not in printed(capsys, "status", str(tmp_path))


@contextmanager
def a_run(folder: Path, *, sets: bool = True, ends: bool = False) -> Iterator[list[Ask]]:
    """Takes what is asked, as a run does."""
    taken: list[Ask] = []
    done = threading.Event()
    log = EventLog(log_path(folder, "tiny"))
    log.add("option", 1, name="learning_rate", old=1, new=2)  # of an earlier ask

    def work() -> None:
        while not done.wait(0.01):
            for one in Asks(live_folder(folder, "tiny")).take():
                taken.append(one)
                if one.action != "set":
                    continue
                if ends:
                    log.add("stopped", 1250)
                elif sets:
                    log.add("option", 1250, name=one.option, old=1e-3, new=float(str(one.value)))
                else:
                    log.add("warning", 1250, text=f"Option {one.option} is not set, as asked")

    thread = threading.Thread(target=work)
    with FolderLock(folder):
        tell(folder)
        thread.start()
        try:
            yield taken
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize("action", ["save", "snapshot", "refresh", "stop"])
def test_control_asks_and_says_that_it_was_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], action: str
) -> None:
    with a_run(tmp_path) as taken:
        assert "after this iteration" in printed(capsys, "control", str(tmp_path), action)
    assert taken == [Ask(action=action, by="faceswap control")]


def test_control_sets_an_option_and_tells_what_became_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["control", str(tmp_path), "set", "learning_rate", "1e-5"]
    with a_run(tmp_path) as taken:
        told = printed(capsys, *words)
    assert told == "Option learning_rate: 0.001 -> 1e-05, from iteration 1,251 on\n"
    assert [(one.option, one.value) for one in taken] == [("learning_rate", "1e-5")]
    with a_run(tmp_path, sets=False), pytest.raises(FaceswapError, match="is not set, as asked"):
        printed(capsys, *words)


def test_control_refuses_where_no_run_is_or_none_listens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FaceswapError, match="holds no model"):
        printed(capsys, "control", str(tmp_path), "save")
    tell(tmp_path)
    with pytest.raises(FaceswapError, match=r"no run trains in .* \(the last one was killed\)"):
        printed(capsys, "control", str(tmp_path), "save")
    monkeypatch.setattr(control, "SECONDS_TO_TAKE", 0.2)
    with FolderLock(tmp_path):
        with pytest.raises(FaceswapError, match="has not taken it in 0 s, and it was withdrawn"):
            printed(capsys, "control", str(tmp_path), "save")
        assert Asks(live_folder(tmp_path, "tiny")).take() == []
        tell(tmp_path, "starting")
        with pytest.raises(FaceswapError, match="still starts"):
            printed(capsys, "control", str(tmp_path), "save")


@pytest.mark.parametrize(
    "words", [["set"], ["set", "learning_rate"], ["save", "learning_rate"], ["stop", "x", "1"]]
)
def test_control_is_told_what_to_set_and_no_more(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(FaceswapError, match="set needs an option|leave it out"):
        Control(make_parser().parse_args(["control", str(tmp_path), *words]))


def test_control_tells_of_a_run_that_ended_before_it_set_an_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        a_run(tmp_path, ends=True),
        pytest.raises(FaceswapError, match="the run has stopped, and has not set learning_rate"),
    ):
        printed(capsys, "control", str(tmp_path), "set", "learning_rate", "1e-4")


def test_damaged_events_do_not_keep_status_from_being_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = EventLog(log_path(tmp_path, "tiny"))
    log.add("held_out", 5, psnr=10**400, ssim="x")
    log.add("warning", 5)
    assert "PSNR none, SSIM none" in printed(capsys, "status", str(tmp_path))


def test_runs_are_compared_in_a_table_and_in_curves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, rate in (("one", 1e-3), ("two", 1e-4)):
        folder = tmp_path / "runs" / name
        log = EventLog(log_path(folder, "tiny"))
        log.add("begun", 0)
        for iteration in (100, 200):
            losses = {"loss_a": rate * iteration, "loss_b": 1.0}
            log.add("progress", iteration, **losses)
            log.add("held_out", iteration, psnr=20.0 + iteration / 100, ssim=0.5)
        sessions = {"1": {"batchsize": 8}}
        state = {"config": {"learning_rate": rate, "coverage": 80.0}, "sessions": sessions}
        (folder / "tiny_state.json").write_text(json.dumps(state))
    (tmp_path / "runs" / "one_snapshot_100_iters").mkdir()
    (tmp_path / "runs" / "one_snapshot_100_iters" / "tiny_state.json").touch()
    old = tmp_path / "old"
    EventLog(log_path(old, "compact")).add("held_out", 500, psnr=float("nan"), ssim=0.25)
    (old / "training_preview.png").touch()
    tell(old, preview="/elsewhere/training_preview.png")  # it was moved
    live_folder(old, "tiny").rename(live_folder(old, "compact"))
    output = str(tmp_path / "curves.png")
    words = ["runs", str(tmp_path / "runs"), str(old), str(old), "-o", output]
    heading, one, two, third, preview, *others = printed(capsys, *words).splitlines()
    columns = "Run Plugin Iterations Trained Loss A Loss B PSNR SSIM"
    assert " ".join(heading.split()) == columns
    assert one.split() == ["one", "tiny", "200", "0", "s", "0.20000", "1.00000", "22.00", "0.5000"]
    assert two.split()[5] == "0.02000"
    assert third.split() == ["old", "compact", "500", "-", "-", "-", "-", "0.2500"]
    assert preview == f"Preview of old: {old / 'training_preview.png'}"
    assert others == [
        *("Options that differ:", "  learning_rate: one 0.001, two 0.0001", f"Curves: {output}")
    ]
    assert cv2.imread(output).shape == (1020, 1200, 3)


def test_a_run_with_a_damaged_status_is_compared_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    EventLog(log_path(tmp_path, "tiny")).add("progress", 7, loss_a=0.5, loss_b=0.25)
    live_folder(tmp_path, "tiny").mkdir()
    (live_folder(tmp_path, "tiny") / "status.json").write_text("")
    out = tmp_path / "curves.png"
    assert "0.50000" in printed(capsys, "runs", str(tmp_path), "-o", str(out))


def test_curves_take_the_place_of_curves_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    EventLog(log_path(tmp_path / "run", "tiny")).add("progress", 7, loss_a=0.5, loss_b=0.25)
    out = tmp_path / "curves.png"
    for _ in range(2):
        assert "Curves: " in printed(capsys, "runs", str(tmp_path / "run"), "-o", str(out))
    Image.new("RGB", (8, 8)).save(out)
    before = out.read_bytes()
    with pytest.raises(FaceswapError, match="name another -o"):
        printed(capsys, "runs", str(tmp_path / "run"), "-o", str(out))
    assert out.read_bytes() == before


def test_runs_need_folders_that_hold_models(tmp_path: Path) -> None:
    words = ["runs", str(tmp_path), "-o", str(tmp_path / "x.png")]
    with pytest.raises(FaceswapError, match="holds no model"):
        Runs(make_parser().parse_args(words)).process()
    with pytest.raises(FaceswapError, match="is no folder"):
        Runs(make_parser().parse_args(["runs", str(tmp_path / "none")])).process()
    with pytest.raises(FaceswapError, match=r"must end in \.png"):
        Runs(make_parser().parse_args(["runs", str(tmp_path), "-o", "x.jpg"]))
