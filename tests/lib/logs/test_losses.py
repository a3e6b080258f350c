"""Losses stay on the device until they are read."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lib.logs.losses import LossLog
from lib.training.step import Outcome


class Scalars:
    def __init__(self) -> None:
        self.written: list[tuple[int, dict[str, float]]] = []
        self.closed = False

    def add(self, step: int, values: dict[str, float]) -> None:
        self.written.append((step, values))

    def add_image(self, *_: object) -> None:
        self.written.append((0, {}))

    def close(self) -> None:
        self.closed = True


def outcome(*losses: float, is_good: bool = True) -> Outcome:
    values = torch.tensor(losses)
    return Outcome(values, values / 10, torch.tensor(is_good))


NAMES = ["total", "face_a", "mask_a", "face_b", "mask_b"]


def test_every_iteration_is_written_when_the_losses_are_read() -> None:
    scalars = Scalars()
    log = LossLog(NAMES, scalars)
    log.add(1, outcome(1, 2, 3, 4))
    log.add(2, outcome(2, 2, 3, 4.5, is_good=False))
    assert scalars.written == []
    reading = log.flush()
    assert reading.newest == (4.0, 7.5)
    np.testing.assert_array_equal(reading.iterations, [1, 2])
    np.testing.assert_array_equal(reading.losses, [[1, 2, 3, 4], [2, 2, 3, 4.5]])
    np.testing.assert_allclose(reading.spread, [[0.1, 0.2, 0.3, 0.4], [0.2, 0.2, 0.3, 0.45]])
    np.testing.assert_array_equal(reading.is_good, [True, False])
    assert scalars.written == [
        (1, dict(zip(NAMES, [10, 1, 2, 3, 4], strict=True))),
        (2, dict(zip(NAMES, [11.5, 2, 2, 3, 4.5], strict=True))),
    ]


def test_it_is_due_at_once_and_then_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("lib.logs.losses.time.monotonic", lambda: now)
    log = LossLog(["total", "face_a", "face_b"], None)
    assert log.is_due
    log.add(1, outcome(0, 0))
    log.flush()
    assert not log.is_due
    now += 0.3
    assert log.is_due


def test_closing_writes_what_is_pending() -> None:
    scalars = Scalars()
    log = LossLog(["total", "face_a", "face_b"], scalars)
    log.add(7, outcome(0.5, 0.25))
    log.close()
    assert scalars.written == [(7, {"total": 0.75, "face_a": 0.5, "face_b": 0.25})]
    assert scalars.closed
    log.close()
    assert len(scalars.written) == 1


def test_what_is_dropped_is_not_written() -> None:
    scalars = Scalars()
    log = LossLog(["total", "face_a", "face_b"], scalars)
    log.add(8, outcome(9, 9))
    log.drop()
    log.add(6, outcome(1, 2))
    assert list(log.flush().iterations) == [6]
    assert [step for step, _ in scalars.written] == [6]


def test_without_a_log_nothing_is_written(tmp_path: Path) -> None:
    log = LossLog(["total", "face_a", "face_b"], None)
    log.add(1, outcome(0, 0))
    log.add_image(1, "preview", None)
    log.close()
