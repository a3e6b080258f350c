"""The learning rate of each iteration: formulas, direction and steadiness."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.training.schedule import learning_rate


def options(
    rate: float = 1e-3, warmup: int = 0, decay: int = 0, to: float = 5, easing: int = 0
) -> dict[str, Any]:
    return {
        "learning_rate": rate,
        "warmup_iterations": warmup,
        "easing_iterations": easing,
        "decay_iterations": decay,
        "decay_to": to,
    }


ANY = st.builds(
    options,
    st.floats(1e-6, 1e-1),
    st.integers(0, 3000),
    st.integers(0, 3000),
    st.integers(0, 100),
)


@pytest.mark.parametrize("iteration", [0, 1, 10**9])
def test_without_rise_or_fall_it_stays(iteration: int) -> None:
    assert learning_rate(iteration, options()) == 1e-3


def test_the_rise_is_a_straight_line_from_one_part_in_n() -> None:
    rates = [learning_rate(i, options(warmup=8)) for i in range(10)]
    expected = [1e-3 * k / 8 for k in (1, 2, 3, 4, 5, 6, 7, 8, 8, 8)]
    np.testing.assert_allclose(rates, expected, rtol=1e-15)


def test_the_fall_is_half_a_wave_and_begins_after_the_rise() -> None:
    config = options(warmup=10, decay=100, to=5)
    rates = np.array([learning_rate(i, config) for i in range(10, 300)])
    wave = 0.5e-3 * (1 + np.cos(np.pi * np.minimum(np.arange(290), 100) / 100))
    np.testing.assert_allclose(rates, 0.05e-3 + 0.95 * wave, rtol=1e-12)
    assert rates[0] == 1e-3
    np.testing.assert_allclose(rates[50], 1e-3 * (1 + 0.05) / 2, rtol=1e-12)
    np.testing.assert_allclose(rates[100:], 0.05e-3, rtol=1e-12)


def test_the_endless_fall_halves_the_rate_after_three_times_its_iterations() -> None:
    rates = [learning_rate(i, options(easing=500)) for i in (0, 500, 1500, 49_500)]
    np.testing.assert_allclose(rates, [1e-3, 1e-3 / math.sqrt(2), 0.5e-3, 1e-4], rtol=1e-12)


@given(ANY, st.integers(1, 5000), st.integers(0, 7000))
def test_the_endless_fall_is_a_factor_of_all_else(
    config: dict[str, Any], easing: int, i: int
) -> None:
    eased = learning_rate(i, {**config, "easing_iterations": easing})
    expected = learning_rate(i, config) * (1 + i / easing) ** -0.5
    np.testing.assert_allclose(eased, expected, rtol=1e-12)


@given(ANY, st.integers(0, 7000))
def test_it_rises_then_falls_and_stays_within_bounds(config: dict[str, Any], i: int) -> None:
    now, soon = learning_rate(i, config), learning_rate(i + 1, config)
    highest, rise = config["learning_rate"], config["warmup_iterations"]
    assert 0 <= now <= highest * (1 + 1e-12)
    if i + 1 < rise:
        assert soon > now
    elif i >= rise:
        assert soon <= now
        assert now >= highest * config["decay_to"] / 100 * (1 - 1e-12)
    if i >= rise + config["decay_iterations"]:
        assert soon == now


@given(ANY, st.integers(0, 7000))
def test_it_never_jumps(config: dict[str, Any], i: int) -> None:
    """No step is larger than the steepest of the line or of the wave."""
    steepest = max(
        1 / config["warmup_iterations"] if config["warmup_iterations"] else 0,
        math.pi / 2 / config["decay_iterations"] if config["decay_iterations"] else 0,
    )
    step = abs(learning_rate(i + 1, config) - learning_rate(i, config))
    assert step <= config["learning_rate"] * (steepest + 1e-12)
