"""Draws curves, such as a score over the iterations, as a PNG."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lib.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (9, 5)
_DOTS_PER_INCH = 120
_FEW = 60


@dataclass(frozen=True)
class Curve:
    """One curve of a picture.

    Attributes
    ----------
    label
        What the legend calls it.
    x, y
        Equally many values. What is not finite leaves a gap.
    faint
        Whether it is only the background of another curve, such as the raw values of a smoothed
        one: grey, and of no weight in the range of y.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    faint: bool = False


def write_curves(
    path: str | Path,
    curves: Sequence[Curve],
    *,
    title: str,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    mark: tuple[float, str] | None = None,
) -> None:
    """Draw curves over one axis, 1080 x 600 pixels, so that a reader sees the old file or the new.

    Parameters
    ----------
    path
        PNG to write or replace.
    curves
        At least one that is not faint.
    title, x_label, y_label
        Heading, and what the axes measure; with units, where they have any.
    log_x
        Whether x is on a logarithmic axis; it must then be above 0.
    mark
        A value of x to mark with an upright line, and what the legend calls it.

    Raises
    ------
    FaceswapError
        The file can't be written.
    """
    # Here, because it takes a third of a second, and most runs draw nothing.
    from matplotlib.figure import Figure

    figure = Figure(_INCHES, _DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot(title=title, xlabel=x_label, ylabel=y_label)
    axes.set_xscale("log" if log_x else "linear")
    axes.grid(alpha=0.3)
    _draw(axes, curves)
    if mark is not None:
        axes.axvline(mark[0], color="black", linestyle="--", linewidth=1, label=mark[1])
    axes.legend()
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, format="png")


def _draw(axes: "Axes", curves: Sequence[Curve]) -> None:
    for curve in (curve for curve in curves if not curve.faint):
        # A single point makes no line.
        dot = "." if len(curve.x) <= _FEW else ""
        axes.plot(curve.x, curve.y, label=curve.label, linewidth=2, marker=dot)
    axes.set_ylim(axes.get_ylim())
    for curve in (curve for curve in curves if curve.faint):
        axes.plot(
            curve.x, curve.y, label=curve.label, linewidth=1, color="gray", alpha=0.5, zorder=1
        )
