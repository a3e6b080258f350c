"""Curves are smoothed by the formula, and gaps stay gaps."""

import json

import numpy as np
import pytest

from lib.live.record import Point
from lib.page.curves import MOST_POINTS, loss_chart, score_chart, smoothed

NAN = float("nan")


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
