"""States, events and figures in words."""

import time

import pytest

from lib.live.status import Status
from lib.page import words


@pytest.mark.parametrize(
    ("run", "state", "silent", "text"),
    [
        ("running", "starting", 90, "The run starts: faces are read and the model is built."),
        ("running", "training", 2, "The run trains."),
        ("running", "training", 90, "no news for 1 min 30 s"),
        ("running", "stopping", 2, "saves once more"),
        ("stopped", "stopped", 0, "Stopped at iteration 1,200, with a save."),
        ("failed", "failed", 0, "Failed at iteration 1,200: the disk is full"),
        ("killed", "training", 0, "it was killed, or the machine went down"),
        (None, "training", 0, "No run has been in this folder yet."),
    ],
)
def test_states(run, state: str, silent: float, text: str) -> None:
    changed = time.time() - silent
    status = Status(
        state=state, plugin="x", iteration=1200, changed=changed, message="the disk is full"
    )
    assert text in words.state(run, status)


@pytest.mark.parametrize(
    ("event", "text", "is_bad"),
    [
        ({"event": "progress"}, None, False),
        ({"event": "saved"}, "Saved at iteration 1,500", False),
        ({"event": "snapshot"}, "Snapshot at iteration 1,500", False),
        ({"event": "begun"}, "A run begins at iteration 1,500", False),
        ({"event": "stopped"}, "Stopped at iteration 1,500", False),
        ({"event": "warning", "text": "a file has gone"}, "a file has gone", True),
        ({"event": "failed", "text": "no memory"}, "Failed: no memory", True),
        ({"event": "gone_back"}, "Went back to the save of iteration 1,500", True),
        ({"event": "bad_step", "text": "loss is NaN"}, "loss is NaN", True),
        ({"event": "something_new"}, "Something new", False),
        (
            {"event": "option", "name": "beta_1", "old": 0.5, "new": 0.9, "by": "the page"},
            "beta_1: 0.5 → 0.9, asked for by the page",
            False,
        ),
    ],
)
def test_events(event: dict, text: str | None, is_bad: bool) -> None:
    event = {"iteration": 1500, **event}
    assert (words.news(event), words.is_bad(event)) == (text, is_bad)


def test_moments_of_today_need_no_date() -> None:
    assert len(words.clock(time.time())) == len("12:34:56")
    assert words.clock(0).startswith(time.strftime("%Y-%m-%d", time.localtime(0)))
