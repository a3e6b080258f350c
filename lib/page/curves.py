"""Curves of losses and scores, in numbers that a browser draws at once however long the run was."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.live.record import Point
from lib.preview.thinning import thinned

MOST_POINTS = 400
"""Of a curve; longer ones are drawn by the means of as many parts."""
SPAN = 0.05
"""Share of the run that smoothing looks back over."""

Floats = NDArray[np.float64]
Drawn = list[list[float | None]]
"""Points of a curve, each iteration and value; None is a gap."""

_GREY, _LINES = "#8a8f98", "rgba(128, 128, 128, 0.25)"
_COLOURS = {"A": "#3b82f6", "B": "#f97316"}


def smoothed(values: Floats, span: float = SPAN) -> Floats:
    """Exponential mean that looks back over a share of the curve, without pull to its first value.

    As Adam's moments are corrected (Kingma and Ba, 2015, section 3): each mean is divided by the
    sum of its weights. NaN is passed over and stays NaN.

    Parameters
    ----------
    values
        ``(n,)``.
    span
        Share of the curve, 0..1.
    """
    keep = 1 - 1 / max(1.0, span * len(values))
    result, total, weight = np.full(len(values), np.nan), 0.0, 0.0
    for index, value in enumerate(values):
        if np.isfinite(value):
            total, weight = keep * total + value, keep * weight + 1
            result[index] = total / weight
    return result


def _column(points: Sequence[Point], name: str) -> tuple[Floats, Floats]:
    iterations = np.array([point.iteration for point in points], np.float64)
    return iterations, np.array([point.values[name] for point in points], np.float64)


def _drawn(iterations: Floats, values: Floats) -> Drawn:
    return [
        [int(x), float(f"{y:.5g}") if np.isfinite(y) else None]
        for x, y in zip(iterations, values, strict=True)
    ]


def loss_chart(points: Sequence[Point]) -> dict[str, Any]:
    """ECharts options for the losses of both sides, as they are and smoothed."""
    series = []
    for side, colour in _COLOURS.items():
        iterations, values = thinned(*_column(points, f"loss_{side.lower()}"), MOST_POINTS)
        smooth = _drawn(iterations, smoothed(values))
        series.append(_line(f"{side}", smooth, colour, width=2.5))
        series.append(_line(f"{side} raw", _drawn(iterations, values), colour, opacity=0.35))
    return _chart(series, [_axis("loss")])


def score_chart(points: Sequence[Point]) -> dict[str, Any]:
    """ECharts options for the held-out scores: PSNR in decibels to the left, SSIM to the right."""
    psnr, ssim = (
        _drawn(*thinned(*_column(points, name), MOST_POINTS)) for name in ("psnr", "ssim")
    )
    series = [
        _line("PSNR (dB)", psnr, "#10b981", width=2.5),
        _line("SSIM", ssim, "#a855f7", width=2.5) | {"yAxisIndex": 1},
    ]
    return _chart(series, [_axis("dB"), _axis("SSIM") | {"splitLine": {"show": False}}])


def _line(
    name: str, data: Drawn, colour: str, width: float = 1, opacity: float = 1
) -> dict[str, Any]:
    return {
        "type": "line",
        "name": name,
        "data": data,
        "showSymbol": len(data) < 2,
        "color": colour,
        "lineStyle": {"width": width, "opacity": opacity},
        "silent": opacity < 1,
    }


def _axis(name: str) -> dict[str, Any]:
    return {
        "type": "value",
        "name": name,
        "scale": True,
        "nameTextStyle": {"color": _GREY},
        "axisLabel": {"color": _GREY},
        "splitLine": {"lineStyle": {"color": _LINES}},
    }


def _chart(series: list[dict[str, Any]], y_axes: list[dict[str, Any]]) -> dict[str, Any]:
    x_axis = _axis("") | {"scale": True, "min": "dataMin", "max": "dataMax"}
    x_axis["splitLine"] = {"show": False}
    x_axis["axisLabel"] = {"color": _GREY, "showMinLabel": False, "showMaxLabel": False}
    return {
        "animation": False,
        "grid": {"left": 8, "right": 16, "top": 56, "bottom": 4, "containLabel": True},
        "legend": {"top": 0, "textStyle": {"color": _GREY}},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": x_axis,
        "yAxis": y_axes,
        "series": series,
    }
