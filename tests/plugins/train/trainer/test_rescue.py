"""When and how far a run goes back; that it does, in real runs, is in ``tests/e2e``."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib.errors import DivergedError
from lib.live.events import EventLog
from lib.logs.losses import Reading
from lib.training.distributed import ALONE
from lib.training.divergence import Breakdown
from plugins.train.trainer import _rescue
from plugins.train.trainer._rescue import Rescue

LOSS, BAD = Breakdown("loss", "the loss has risen"), Breakdown("bad_steps", "too many")


class Model:
    """Goes back to the save of fewer iterations, or the oldest."""

    def __init__(self, *saved: int) -> None:
        self.saved = sorted(saved, reverse=True)
        self.iterations = 0
        self.config = {"learning_rate": 1e-3}
        self.saves = self
        self.model = None
        self.asked: list[int] = []

    def go_back(self, below: int) -> dict[str, Any]:
        self.asked.append(below)
        self.iterations = next((x for x in self.saved if x < below), self.saved[-1])
        return {"run": {}}


@pytest.fixture(autouse=True)
def _no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_rescue, "values_of", lambda _: [])


def make(model: Model, tmp_path: Path, **basis: int) -> Rescue:
    events = EventLog(tmp_path / "log.jsonl")
    return Rescue(model, ["face_a", "face_b"], [], events, ALONE, basis)


def breaks_down(rescue: Rescue, model: Model, at: int, why: Breakdown = LOSS) -> int:
    model.iterations = at
    rescue.go_back(why)
    return model.iterations


def test_each_time_in_a_row_goes_further_back_and_on_more_slowly(tmp_path: Path) -> None:
    model = Model(100, 200, 300)
    rescue = make(model, tmp_path)
    assert breaks_down(rescue, model, 350) == 300
    assert breaks_down(rescue, model, 340) == 200
    assert breaks_down(rescue, model, 345) == 100
    assert rescue.rate == 0.125
    with pytest.raises(DivergedError, match=r"again at iteration 346, after going back 3 times"):
        breaks_down(rescue, model, 346)


def test_a_save_from_when_it_may_have_begun_is_passed_over(tmp_path: Path) -> None:
    model = Model(300, 340)
    assert breaks_down(make(model, tmp_path), model, 350) == 300
    assert breaks_down(make(model, tmp_path), model, 350, BAD) == 340


def test_a_run_that_has_come_further_goes_back_to_its_newest_save_again(tmp_path: Path) -> None:
    model = Model(100, 200, 300)
    rescue = make(model, tmp_path)
    assert breaks_down(rescue, model, 350) == 300
    model.saved.insert(0, 550)
    assert breaks_down(rescue, model, 600) == 550


def test_after_a_long_calm_earlier_breakdowns_are_forgotten(tmp_path: Path) -> None:
    model = Model(100)
    rescue = make(model, tmp_path)
    for at in range(1500, 9000, 1500):
        breaks_down(rescue, model, at)
    assert rescue.rate == 0.5**5


def test_it_goes_on_from_its_state(tmp_path: Path) -> None:
    model = Model(100, 200, 300)
    rescue = make(model, tmp_path)
    breaks_down(rescue, model, 350)
    state = rescue.state()
    resumed = make(model, tmp_path)
    resumed.restore(state)
    assert resumed.rate == 0.5
    assert breaks_down(resumed, model, 345) == 200
    model.config["learning_rate"] = 1e-4
    other = make(model, tmp_path)
    other.restore(state)
    assert other.rate == 1


def seen(count: int) -> Reading:
    rows = np.full((count, 2), 0.1)
    return Reading(np.arange(count), rows, np.ones((count, 2)), np.ones(count, bool))


@pytest.mark.parametrize(("faces", "found"), [(1, "loss"), (2, None)])
def test_a_run_is_compared_with_what_was_trained_alike_alone(
    tmp_path: Path, faces: int, found: str | None
) -> None:
    first = make(Model(100), tmp_path, faces=1)
    assert first.look(seen(200), Namespace()) is None
    second = make(Model(100), tmp_path, faces=faces)
    second.restore(first.state())
    high = seen(40)
    breakdown = second.look(
        Reading(high.iterations, high.losses * 10, high.spread, high.is_good), Namespace()
    )
    assert (breakdown and breakdown.kind) == found
