"""Which batches are taken, whatever the number of processes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.training.order import START, Origin

RUNS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 9)), max_size=6)
"""Processes, batches accumulated, and iterations of each run."""


@given(RUNS)
def test_no_batch_is_left_out_or_taken_twice(runs: list[tuple[int, int, int]]) -> None:
    taken, run, iteration = [], {}, 0
    for size, per, count in runs:
        origin = Origin.restored(run, 16)
        for _ in range(count):
            first = origin.first_batch(iteration, size * per)
            taken += range(first, first + size * per)
            iteration += 1
        run = json.loads(json.dumps({"order": origin.state(iteration, size * per, 16)}))
    assert taken == list(range(len(taken)))


@given(st.integers(0, 1000), st.integers(1, 64), st.integers(1, 64))
def test_another_batch_size_leaves_out_less_than_a_batch(done: int, old: int, new: int) -> None:
    run = {"order": START.state(done, 1, old)}
    position = Origin.restored(run, new).first_batch(done, 1) * new
    assert done * old <= position < done * old + new


def test_a_run_that_left_nothing_was_of_one_process() -> None:
    assert Origin.restored({}, 16).first_batch(30, 2) == 60


def test_numbers_below_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="faces at iteration"):
        Origin.restored({"order": {"iteration": 3, "faces": -1}}, 16)
