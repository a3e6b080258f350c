"""Draws the losses and scores of several runs, over iterations and over time."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from lib.files import replacing
from lib.live.record import Point, Record
from lib.preview.thinning import thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Runs compared"
"""In the picture, so that it is known from others and may be replaced."""

_INCHES = (12, 3.4)
"""Of a row."""
_DOTS_PER_INCH = 100
_FEW = 60
_MOST = 250
"""Points of a curve; longer ones are drawn by the means of as many parts."""
_WIDE = 5.0
"""Ratio of losses from which round steps of the scale's logarithm are ticks enough."""
_LOSSES = "Loss (A solid, B dashed and hollow)"
_SCORES = {"psnr": "Held out: PSNR in dB", "ssim": "Held out: SSIM"}
_UNITS = {"Seconds": 1 / 3600, "Minutes": 1 / 60, "Hours": 1.0}
"""Of time, and how many hours they are."""
_MOST_UNITS = 120
"""So many of a unit are told in it, more in the next."""


def write_runs(path: str | Path, records: Mapping[str, Record]) -> None:
    """Draw curves of runs, one kind above another: losses, and where there are any, scores.

    Parameters
    ----------
    path
        PNG to write or replace.
    records
        By what the legend calls them.

    Raises
    ------
    FaceswapError
        The file can't be written.
    """
    # Here, because it takes a third of a second.
    from matplotlib.figure import Figure

    has_scores = any(record.scores for record in records.values())
    labels = [_LOSSES, *(_SCORES.values() if has_scores else ())]
    size = (_INCHES[0], _INCHES[1] * len(labels))
    figure = Figure(size, _DOTS_PER_INCH, layout="constrained")
    axes = figure.subplots(len(labels), 2, sharex="col", sharey="row", squeeze=False)
    unit = _unit(records.values())
    for number, (label, record) in enumerate(records.items()):
        colour = f"C{number % 10}"
        for column, hours in enumerate((None, _UNITS[unit])):
            _losses(axes[0, column], record.losses, hours, colour, label)
            for row, name in enumerate(_SCORES if has_scores else (), 1):
                _draw(axes[row, column], record.scores, name, hours, colour, label)
    for row, text in zip(axes, labels, strict=True):
        row[0].set_ylabel(text)
        for each in row:
            each.grid(alpha=0.3)
    _scale_losses(axes[0, 0])
    for each, text in zip(axes[-1], ("Iterations", f"{unit} of training"), strict=True):
        each.set_xlabel(text)
        each.set_xlim(left=0)
        each.locator_params("x", nbins=7)
        each.xaxis.set_major_formatter(_plain)
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=4)
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, format="png", metadata={"Title": TITLE})


def is_ours(path: Path) -> bool:
    """Whether a picture is one that `write_runs` has written."""
    try:
        with Image.open(path) as picture:
            return picture.info.get("Title") == TITLE
    except (OSError, ValueError):
        return False


def _unit(records: Iterable[Record]) -> str:
    """The smallest unit in which the longest time is no large number."""
    known = (record.hours for record in records if not math.isnan(record.hours))
    longest = max(known, default=math.inf)
    fitting = (unit for unit, size in _UNITS.items() if longest <= _MOST_UNITS * size)
    return next(fitting, "Hours")


def _plain(value: float, _: int) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:g}"


def _scale_losses(axes: "Axes") -> None:
    """Set a scale of logarithms, with ticks enough where losses differ little, or much."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    is_wide = high > _WIDE * low
    narrow = MaxNLocator(8, steps=[1, 2, 2.5, 5, 10])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if is_wide else narrow)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")


def _losses(
    axes: "Axes", points: Sequence[Point], hours: float | None, colour: str, label: str
) -> None:
    _draw(axes, points, "loss_a", hours, colour, label)
    _draw(axes, points, "loss_b", hours, colour, None, linestyle="--", markerfacecolor="white")


def _draw(
    axes: "Axes",
    points: Sequence[Point],
    name: str,
    hours: float | None,
    colour: str,
    label: str | None,
    **style: Any,
) -> None:
    """Draw over iterations, or over time where the hours of its unit are given."""
    x = np.array([point.hours / hours if hours else point.iteration for point in points])
    x, y = thinned(x.astype(float), np.array([point.values[name] for point in points]), _MOST)
    # A single point makes no line.
    size = 8 if len(x) == 1 else 4
    marker = "o" if len(x) <= _FEW else ""
    axes.plot(x, y, color=colour, marker=marker, markersize=size, label=label, **style)
