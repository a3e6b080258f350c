"""Draws the losses and scores of several runs, over iterations and over time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from lib.files import replacing
from lib.live.record import Point, Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Runs compared"
"""In the picture, so that it is known from others and may be replaced."""

_INCHES = (12, 3.4)
"""Of a row."""
_DOTS_PER_INCH = 100
_FEW = 60
_LOSSES = "Loss (A solid, B dashed)"
_SCORES = {"psnr": "Held out: PSNR in dB", "ssim": "Held out: SSIM"}


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
    for number, (label, record) in enumerate(records.items()):
        colour = f"C{number % 10}"
        for column, over_time in enumerate((False, True)):
            _losses(axes[0, column], record.losses, over_time, colour, label)
            for row, name in enumerate(_SCORES if has_scores else (), 1):
                _draw(axes[row, column], record.scores, name, over_time, colour, "-", label)
    for row, text in zip(axes, labels, strict=True):
        row[0].set_ylabel(text)
        for each in row:
            each.grid(alpha=0.3, which="both")
    axes[0, 0].set_yscale("log")
    for set_formatter in axes[0, 0].yaxis.set_major_formatter, axes[0, 0].yaxis.set_minor_formatter:
        set_formatter("{x:g}")
    axes[-1, 0].set_xlabel("Iterations")
    axes[-1, 1].set_xlabel("Hours of training")
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


def _losses(
    axes: "Axes", points: Sequence[Point], over_time: bool, colour: str, label: str
) -> None:
    _draw(axes, points, "loss_a", over_time, colour, "-", label)
    _draw(axes, points, "loss_b", over_time, colour, "--", None)


def _draw(
    axes: "Axes",
    points: Sequence[Point],
    name: str,
    over_time: bool,
    colour: str,
    style: str,
    label: str | None,
) -> None:
    x = [point.hours if over_time else point.iteration for point in points]
    y = [point.values[name] for point in points]
    # A single point makes no line.
    dot = "." if len(x) <= _FEW else ""
    axes.plot(x, y, style, color=colour, marker=dot, linewidth=1.5, label=label)
