"""Curves are thinned by means and smoothed by the formula, and gaps stay gaps."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.live.record import Point
from lib.page.curves import MOST_POINTS, loss_chart, score_chart, smoothed, thinned

NAN = float("nan")


@given(st.integers(1, 700), st.integers(1, 50))
def test_a_thinned_curve_has_the_means_of_its_parts(count: int, most: int) -> None:
    rng = np.random.default_rng(count)
    iterations, values = np.arange(count) * 10.0, rng.normal(size=count)
    xs, ys = thinned(iterations, values, most)
    assert len(xs) <= most
    length = -(-count // most)
    parts = [values[at : at + length] for at in range(0, count, length)]
    np.testing.assert_allclose(ys, [part.mean() for part in parts])
    assert xs[-1] == iterations[-1]


def test_what_is_no_number_is_left_out_of_means() -> None:
    _, ys = thinned(np.arange(6.0), np.array([1, NAN, NAN, NAN, 3, 5]), 3)
    np.testing.assert_array_equal(ys, [1, NAN, 4])
    assert len(thinned(np.empty(0), np.empty(0))[1]) == 0


def test_smoothing_is_the_mean_with_weights_that_fade() -> None:
    values = np.random.default_rng(1).normal(size=200)
    keep = 1 - 1 / (0.1 * len(values))
    for at in (0, 7, 199):
        weights = keep ** np.arange(at, -1, -1)
        expected = np.average(values[: at + 1], weights=weights)
        assert smoothed(values, 0.1)[at] == pytest.approx(expected)


def test_smoothing_passes_over_gaps() -> None:
    values = np.array([1.0, NAN, 1.0, 1.0])
    np.testing.assert_allclose(smoothed(values, 0.9), values)


def test_charts_hold_no_more_than_a_browser_draws_and_nothing_that_json_lacks() -> None:
    points = [
        Point(i, NAN, {"loss_a": 1 / (i + 1), "loss_b": NAN if i < 5000 else 0.1})
        for i in range(10_000)
    ]
    chart = json.loads(json.dumps(loss_chart(points), allow_nan=False))
    assert [len(series["data"]) for series in chart["series"]] == [MOST_POINTS] * 4
    assert chart["series"][3]["data"][0] == [24, None]
    assert chart["series"][3]["data"][-1] == [9999, 0.1]


def test_scores_have_an_axis_each() -> None:
    chart = score_chart([Point(500, NAN, {"psnr": 21.5, "ssim": 0.7})])
    psnr, ssim = chart["series"]
    assert (psnr["data"], ssim["data"]) == ([[500, 21.5]], [[500, 0.7]])
    assert (psnr.get("yAxisIndex", 0), ssim["yAxisIndex"]) == (0, 1)
    assert psnr["showSymbol"]  # one point alone makes no line
