"""Wishes of a run's user: by key and by viewers, and how the loop fulfils them."""

import threading
from pathlib import Path
from typing import Any

import pytest

from lib.errors import FaceswapError
from lib.live.asks import Ask, Asks, ask
from scripts.loop import Loop, Plan
from scripts.steering import Steering, Wishes


@pytest.fixture
def steering(tmp_path: Path) -> Steering:
    return Steering(threading.Event(), Asks(tmp_path))


def test_keys_are_wishes(steering: Steering) -> None:
    for key in ("s", "r", "x", None):
        steering.key(key)
    assert steering.take() == Wishes(save=True, refresh=True)
    assert steering.take() == Wishes()
    steering.key("\n")
    assert steering.stop.is_set()


def test_what_viewers_ask_is_told_in_words_and_taken_once(
    steering: Steering, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for action in ("save", "snapshot", "refresh"):
        ask(tmp_path, action, "the page")
    ask(tmp_path, "set", "the page", "learning_rate", 1e-5)
    with caplog.at_level("INFO"):
        steering.look()
    wishes = steering.take()
    assert (wishes.save, wishes.snapshot, wishes.refresh) == (True, True, True)
    assert [(one.option, one.value) for one in wishes.options] == [("learning_rate", 1e-5)]
    assert caplog.messages == [
        f"{what} asked for by the page" for what in ("Save", "Snapshot", "New preview")
    ]
    steering.look()
    assert steering.take() == Wishes()
    assert not steering.stop.is_set()
    ask(tmp_path, "stop", "")
    steering.look()
    assert steering.stop.is_set()


def test_wishes_that_are_put_back_come_again_but_for_options(steering: Steering) -> None:
    options = (Ask(action="set", option="x", value=1),)
    steering.put_back(Wishes(save=True, snapshot=True, options=options))
    steering.key("r")
    assert steering.take() == Wishes(save=True, snapshot=True, refresh=True)


def test_of_many_words_on_an_option_the_last_counts(tmp_path: Path) -> None:
    steering = Steering(threading.Event(), Asks(tmp_path))
    for option, value in (("beta_1", 0.5), ("learning_rate", 1e-4), ("beta_1", 0.9)):
        ask(tmp_path, "set", "the page", option, value)
    steering.look()
    assert [(each.option, each.value) for each in steering.take().options] == [
        ("learning_rate", 1e-4),
        ("beta_1", 0.9),
    ]


def test_several_processes_set_no_options(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    steering = Steering(threading.Event(), Asks(tmp_path), sets_options=False)
    ask(tmp_path, "set", "the page", "learning_rate", 1e-5)
    steering.look()
    assert steering.take() == Wishes()
    (message,) = caplog.messages
    assert message.startswith("Option learning_rate is not set, as the page asked for: several")


class Settable:
    """A trainer's options; and a model, whose saves it is."""

    wants_snapshot = False

    def __init__(self) -> None:
        self.saves = self
        self.rate = 1.0

    def set_option(self, name: str, value: Any) -> tuple[float, float]:
        if name != "learning_rate":
            raise FaceswapError(f"'{name}' is none")
        before, self.rate = self.rate, value
        return before, value


class Told:
    def __init__(self) -> None:
        self.options: list[tuple[Any, ...]] = []

    def option(self, *about: Any) -> None:
        self.options.append(about)


def test_the_loop_sets_options_and_tells_of_those_that_it_does_not(
    steering: Steering, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    both, told = Settable(), Told()
    plan = Plan(iterations=1, save_interval=1)
    loop = Loop(both, both, plan, steering, None, told)  # type: ignore[arg-type]
    ask(tmp_path, "snapshot", "the page")
    ask(tmp_path, "set", "the page", "learning_rate", 0.5)
    ask(tmp_path, "set", "the page", "colour", 3)
    steering.look()
    with caplog.at_level("INFO"):
        loop._take()
    assert both.wants_snapshot
    assert told.options == [("learning_rate", 1.0, 0.5, "the page")]
    assert caplog.messages == [
        "Option learning_rate: 1.0 -> 0.5, asked for by the page",
        "Option colour is not set, as the page asked for: 'colour' is none",
    ]
