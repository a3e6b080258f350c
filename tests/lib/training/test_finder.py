"""The search for a learning rate on losses whose shape is known."""

import math
from pathlib import Path

import keras
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lib.errors import FaceswapError
from lib.training.finder import HIGHEST, LOWEST, find_rate, write_search


def valley(rate: float, best: float = 1e-3) -> float:
    """Flat, then a valley, then a steep wall, over the logarithm of the rate."""
    decades = math.log10(rate / best)
    return 2 - math.exp(-(decades**2)) + 30 * max(0.0, decades - 1)


def test_rates_rise_by_one_factor_from_the_lowest_to_the_highest() -> None:
    asked: list[float] = []
    search = find_rate(lambda rate: asked.append(rate) or valley(rate, 1e-2), iterations=120)
    assert search.rates == asked
    np.testing.assert_allclose(asked[0], LOWEST)
    np.testing.assert_allclose(asked[-1], HIGHEST)
    np.testing.assert_allclose(np.diff(np.log(asked)), math.log(1e6) / 119)


def test_the_smoothed_loss_is_a_mean_of_fading_weights() -> None:
    rng = np.random.default_rng(0)
    search = find_rate(lambda rate: valley(rate) + rng.normal(0, 0.1), iterations=100)
    fading = 0.75 ** np.arange(100)
    for index, smoothed in enumerate(search.smoothed):
        weights = fading[: index + 1][::-1]
        np.testing.assert_allclose(
            smoothed, np.average(search.losses[: index + 1], weights=weights)
        )


@given(st.floats(-4.5, -2), st.integers(100, 600), st.integers(0, 100))
def test_the_suggestion_is_a_third_of_the_best_rate(
    best: float, iterations: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    search = find_rate(lambda rate: valley(rate, 10**best) + rng.normal(0, 0.02), iterations)
    # The smoothed loss lags behind by up to a twenty-fifth of the six decades, plus noise.
    assert -0.3 < math.log10(3 * search.suggestion / 10**best) < 0.55


def test_it_stops_where_the_loss_breaks_out() -> None:
    search = find_rate(valley)
    assert len(search.rates) == len(search.losses) == len(search.smoothed)
    assert search.rates[-1] < 0.5 * HIGHEST
    assert search.smoothed[-1] > 4 * min(search.smoothed) > search.smoothed[-2]


@pytest.mark.parametrize("broken", [math.inf, math.nan])
def test_it_stops_where_the_loss_is_not_a_number(broken: float) -> None:
    search = find_rate(lambda rate: valley(rate) if rate < 3e-3 else broken)
    assert 2e-3 < search.rates[-1] < 3e-3
    assert np.isfinite([*search.losses, *search.smoothed]).all()


@pytest.mark.parametrize("loss", [lambda rate: 1.0, lambda rate: math.nan, lambda rate: 1 + rate])
def test_where_nothing_is_learned_nothing_is_suggested(loss) -> None:
    with pytest.raises(FaceswapError, match="no learning rate made the loss fall"):
        find_rate(loss)


@pytest.mark.slow
def test_a_network_trains_well_at_the_suggestion() -> None:
    """Within the time of the search it gets lower than at a tenth or at thirty times of it."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(256, 8)).astype(np.float32))
    y = torch.sin(x @ torch.from_numpy(rng.normal(size=(8, 4)).astype(np.float32)))

    def trainer() -> tuple[keras.Model, object]:
        keras.utils.set_random_seed(0)
        inputs = keras.Input((8,))
        hidden = keras.layers.Dense(64, activation="relu")(inputs)
        model = keras.Model(inputs, keras.layers.Dense(4)(hidden))
        optimizer = torch.optim.Adam([v.value for v in model.trainable_variables])

        def train(rate: float) -> float:
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            loss = (model(x) - y).square().mean()
            loss.backward()
            optimizer.step()
            return loss.item()

        return train

    suggestion = find_rate(trainer()).suggestion

    def reached(rate: float) -> float:
        train = trainer()
        return np.mean([train(rate) for _ in range(300)][-30:])

    assert reached(suggestion) < min(reached(suggestion / 10), reached(suggestion * 30))


def test_the_picture_shows_the_search(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    search = find_rate(lambda rate: valley(rate) + rng.normal(0, 0.1))
    write_search(tmp_path / "search.png", search)
    with Image.open(tmp_path / "search.png") as picture:
        assert picture.size == (1080, 600)
