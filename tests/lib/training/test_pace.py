"""The pace of a run, in words."""

import pytest

from lib.training.pace import Pace


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("lib.training.pace.time.monotonic", lambda: now[0])
    return now


def test_rate_waiting_and_time_left(clock: list[float]) -> None:
    pace = Pace(1000)
    assert pace.tell(0) == ""
    for _ in range(4):
        pace.count()
    clock[0] = 2
    assert (pace.rate, pace.waiting) == (None, None)
    assert pace.tell(waited=0.5) == "  0.50 s/it  8m left  wait 25%"
    assert (pace.rate, pace.waiting) == (2.0, 0.25)


@pytest.mark.parametrize(
    ("iterations", "left"), [(11, "20s"), (101, "3m"), (10_001, "6h"), (1_000_001, "23d")]
)
def test_time_left_in_hours_or_days(clock: list[float], iterations: int, left: str) -> None:
    pace = Pace(iterations)
    pace.count()
    clock[0] = 2
    assert pace.tell(0) == f"  2.00 s/it  {left} left"


def test_a_run_without_an_end_in_sight_has_no_time_left(clock: list[float]) -> None:
    pace = Pace(None)
    pace.count()
    clock[0] = 2
    assert pace.tell(waited=0.009) == "  2.00 s/it"
