"""The loop of a run: when it saves, shows and stops, and in which thread."""

import threading
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.errors import FaceswapError
from lib.live.events import EventLog
from lib.live.status import live_folder, read_status
from lib.logs.console import ConsoleLine
from lib.training.distributed import World
from scripts.running import PreviewFile, Running
from scripts.telling import start_telling

MakeArguments = Callable[..., Namespace]


class Model:
    """Counts, and notes when it was saved."""

    name = "compact"
    is_busy = False

    def __init__(self, iterations: int = 0) -> None:
        self.iterations = iterations
        self.saved: list[int] = []
        self.averaged: list[bool] = []
        self.failures = 0
        self.saves = self

    wants_snapshot = False

    def prepare(self) -> None:
        pass

    def begin(self, *, average: bool = True) -> None:
        self.saved.append(self.iterations)
        self.averaged.append(average)

    def finish(self) -> None:
        if self.failures:
            self.failures -= 1
            raise FaceswapError("the save failed")

    def save(self) -> None:
        self.begin()
        self.finish()


class Trainer:
    """Notes what each iteration is called with, and does what the user would do meanwhile."""

    wants_stop = False

    def __init__(self, model: Model, meanwhile: dict[int, Callable[[], None]]) -> None:
        self._model, self._meanwhile = model, meanwhile
        self.shown: list[int] = []
        self.lapsed: list[int] = []
        self.looked: list[int] = []
        self.threads: set[threading.Thread] = set()
        self.closed = 0
        self.console = ConsoleLine(interactive=False)
        self.live: Any = None
        self.events = EventLog(Path("nowhere") / "log.jsonl")
        self.present = self.defaults = {"learning_rate": 1e-3}

    def train_one_step(self, viewer: Any, timelapse: Any) -> None:
        self._model.iterations += 1
        self.threads.add(threading.current_thread())
        if viewer:
            self.shown.append(self._model.iterations)
        if timelapse:
            self.lapsed.append(self._model.iterations)
        self._meanwhile.get(self._model.iterations, lambda: None)()

    def show_preview(self, _: Any) -> None:
        self.shown.append(self._model.iterations)

    def tell_changes(self) -> None:
        self.looked.append(self._model.iterations)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def command(train_arguments: MakeArguments, rendered: dict[str, Path], tmp_path: Path) -> Running:
    lapse = {"input_a": str(rendered["a"]), "input_b": str(rendered["b"]), "output": str(tmp_path)}
    arguments = train_arguments("-it", "12", "-s", "5", "-n", "-w")
    preview = PreviewFile(tmp_path / "sheet.png", is_wanted=True)
    console = ConsoleLine(interactive=False)
    return Running(arguments, World(), console, threading.Event(), preview, lapse)


def run(
    command: Running, model: Model | None = None, **meanwhile: Callable[[], None]
) -> tuple[Model, Trainer]:
    model = model or Model()
    trainer = Trainer(model, {int(name[1:]): act for name, act in meanwhile.items()})
    command.run(model, trainer)
    return model, trainer


def test_it_saves_first_at_every_interval_and_last_and_shows_then_only(command: Running) -> None:
    model, trainer = run(command)
    assert model.saved == trainer.shown == trainer.lapsed == trainer.looked == [1, 5, 10, 12]


def test_a_save_and_a_preview_come_on_demand(command: Running) -> None:
    model, trainer = run(command, i2=lambda: command.react("s"), i6=lambda: command.react("r"))
    assert model.saved == trainer.lapsed == [1, 3, 5, 10, 12]
    assert trainer.shown == [1, 3, 5, 7, 10, 12]


def test_the_first_save_of_a_resumed_run_averages_no_losses(command: Running) -> None:
    assert run(command)[0].averaged == [True] * 4
    assert run(command, Model(iterations=40))[0].averaged == [False, True, True, True]


def test_wishes_of_an_iteration_that_went_back_are_kept(command: Running) -> None:
    model = Model()

    keys = ["r", "s"]

    def wish() -> None:
        while keys:
            command.react(keys.pop())

    def go_back() -> None:
        if model.saved == [1]:
            model.iterations = 2

    _, trainer = run(command, model, i3=wish, i4=go_back)
    assert model.saved == [1, 3, 5, 10, 12]
    assert trainer.shown == [1, 4, 3, 5, 10, 12]


def test_the_pace_of_a_run_that_goes_back_is_measured_once(
    command: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, left = Model(), [3]
    model.name = "original"
    times = iter(range(0, 1000, 3))
    monkeypatch.setattr("scripts.loop.time.monotonic", lambda: next(times))

    def go_back() -> None:
        if left.pop() if left else False:
            model.iterations = 1

    run(command, model, i9=go_back)
    assert not any("an iteration on this machine" in message for message in caplog.messages)


def test_a_save_waits_for_the_one_before_and_is_not_forgotten(
    command: Running, caplog: pytest.LogCaptureFixture
) -> None:
    model = Model()

    def hold() -> None:
        model.is_busy = True

    def let_go() -> None:
        model.is_busy = False

    with caplog.at_level("INFO"):
        _, trainer = run(command, model, i4=hold, i7=let_go)
    assert model.saved == [1, 7, 10, 12]
    assert trainer.shown == [1, 5, 10, 12]
    assert sum("still being written" in message for message in caplog.messages) == 1


@pytest.mark.parametrize("failures", [1, 2])
def test_the_last_save_is_tried_again(
    command: Running, failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.saving.SECONDS_BETWEEN_TRIES", 0.01)
    model = Model()
    model.failures = failures
    run(command, model)
    assert model.saved == [1, 5, 10, *[12] * (1 + failures)]


def test_a_last_save_that_can_not_be_made_is_told_by_the_exit_code(
    command: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.saving.SECONDS_BETWEEN_TRIES", 0.01)
    model = Model()
    model.failures = 3
    with pytest.raises(FaceswapError, match="the save failed; gave up after 3 tries") as raised:
        run(command, model)
    assert raised.value.exit_code == 4


@pytest.mark.parametrize("key", ["\n", "\r"])
def test_enter_stops_after_the_iteration_with_a_save(command: Running, key: str) -> None:
    model, trainer = run(command, i7=lambda: command.react(key))
    assert model.iterations == 7
    assert model.saved == trainer.shown == [1, 5, 7]
    assert command.steering.stop.is_set()


def test_a_run_that_is_stopped_where_it_saves_saves_once(command: Running) -> None:
    model, _ = run(command, i5=command.steering.stop.set)
    assert model.saved == [1, 5]


def test_training_runs_in_a_thread_of_its_own_and_the_log_is_closed_after_it(
    command: Running,
) -> None:
    _, trainer = run(command)
    (thread,) = trainer.threads
    assert thread.name == "training"
    assert thread is not threading.main_thread()
    assert not thread.is_alive()
    assert trainer.closed == 1


def test_the_log_is_closed_after_a_failure_too(command: Running) -> None:
    def fail() -> None:
        raise FaceswapError("no luck")

    model = Model()
    trainer = Trainer(model, {3: fail})
    with pytest.raises(FaceswapError, match="no luck"):
        command.run(model, trainer)
    assert trainer.closed == 1
    assert model.saved == [1]


def test_the_thread_that_trains_takes_the_process_card(
    command: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(
        "scripts.running.take_own", lambda: told.append(threading.current_thread().name)
    )
    run(command, i1=lambda: told.append("trains"))
    assert told == ["training", "trains"]


def test_viewers_see_at_once_that_the_run_is_to_stop(
    train_arguments: MakeArguments, tmp_path: Path
) -> None:
    arguments = train_arguments("-it", "9", "-n")
    told = start_telling(arguments, preview := PreviewFile(tmp_path / "sheet.png", is_wanted=False))
    console = ConsoleLine(interactive=False)
    command = Running(arguments, World(), console, threading.Event(), preview, reporter=told)
    seen = []

    def stop() -> None:
        command.react("\n")
        status = read_status(live_folder(arguments.model_dir, "tiny"))
        assert status is not None
        seen.append(status.state)

    run(command, i2=stop)
    told.end("stopped")
    assert seen == ["stopping"]


class Page:
    """Stands in for the page's process."""

    def __init__(self, made: list["Page"], fails: bool, about: dict[str, Any]) -> None:
        made.append(self)
        self.about, self._fails = about, fails
        self.looked = self.closed = 0

    def start(self, meanwhile: Callable[[], None]) -> None:
        meanwhile()  # the run goes on to heed its user
        if self._fails:
            raise FaceswapError("pip install faceswap-train[web]")

    def look(self) -> None:
        self.looked += 1

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("fails", [False, True])
def test_a_page_shows_the_run_where_it_can_and_no_run_waits_for_it(
    train_arguments: MakeArguments,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fails: bool,
) -> None:
    made: list[Page] = []
    monkeypatch.setattr(
        "scripts.page.PageProcess",
        lambda model_dir, name, **more: Page(made, fails, {"name": name, **more}),
    )
    arguments = train_arguments("-it", "3", "-n", "-p", "--page-port", "9000", "--page-read-only")
    told = start_telling(arguments, preview := PreviewFile(tmp_path / "sheet.png", is_wanted=True))
    console = ConsoleLine(interactive=False)
    command = Running(arguments, World(), console, threading.Event(), preview, reporter=told)

    def look() -> None:
        end = time.monotonic() + 10
        while not (fails or any(page.looked for page in made)) and time.monotonic() < end:
            time.sleep(0.01)

    model, trainer = run(command, i2=look)
    told.end("stopped")
    (page,) = made
    assert page.about == {"name": "tiny", "host": "127.0.0.1", "port": 9000, "read_only": True}
    assert page.closed == 1
    assert (page.looked > 0) is not fails
    assert any("There is no page of this run: pip" in m for m in caplog.messages) is fails
    assert model.saved == [1, 3]
    assert trainer.live is told
