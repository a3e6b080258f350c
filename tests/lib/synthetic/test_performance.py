from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from lib.synthetic.parameters import Shot
from lib.synthetic.performance import performance


def _table(shots: list[Shot]) -> NDArray[np.float64]:
    return np.array([[*asdict(s.pose).values(), *asdict(s.expression).values()] for s in shots])


def test_everything_moves_smoothly_within_its_range() -> None:
    shots = performance(np.random.default_rng(3), 400)
    table = _table(shots)
    assert (np.abs(table[:, :3]).max(axis=0) <= (35, 20, 20)).all()
    assert (table[:, 6] >= 0).all()
    assert (table[:, 6] <= 1).all()
    assert (np.ptp(table, axis=0) > 0.03).all()
    jumps = np.abs(np.diff(table, axis=0)).max(axis=0)
    assert (jumps[:3] < 3).all()
    assert (jumps / np.ptp(table, axis=0) < 0.45).all()
    assert len({s.light for s in shots}) == 1


def test_the_eyes_blink() -> None:
    lids = _table(performance(np.random.default_rng(4), 500))[:, 9]
    assert lids.min() < 0.2
    assert np.median(lids) > 0.85


def test_repeatable_and_empty() -> None:
    one, two = (performance(np.random.default_rng(5), 5) for _ in range(2))
    assert one == two
    assert performance(np.random.default_rng(5), 0) == []
