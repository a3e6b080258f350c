"""Draws how good faces are over the time of training, beside what a peer was measured at."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from benchmarks.quality_curve import Result
from lib.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PEER_MINUTES = 5.2, 10.3, 15.5, 20.7, 25.8, 31.0
PEER = {
    "psnr": (21.0, 21.6, 21.8, 23.3, 23.0, 22.8),
    "ssim": (0.610, 0.646, 0.656, 0.702, 0.700, 0.692),
}
"""The strongest peer's ``original`` on the grid pair, 2 cores, batch 16, coverage 100 %; 6.2 s an
iteration."""

FIGURES = {"psnr": "PSNR (dB)", "ssim": "SSIM"}


def write_figure(path: str | Path, results: Sequence[Result]) -> None:
    """Draw curves of the same pair as a PNG: the mean over the seeds, and the range.

    Parameters
    ----------
    path
        File to write or replace.
    results
        As the benchmark gives them, one for each coverage.

    Raises
    ------
    FaceswapError
        The file can't be written.
    """
    figure = Figure((12, 5), 110, layout="constrained")
    first = results[0]
    figure.suptitle(
        f"{first.model}, faces held out, {first.pair} pair; seeds {first.seeds}; time {first.clock}"
    )
    for axes, (name, label) in zip(figure.subplots(1, 2), FIGURES.items(), strict=True):
        axes.set(xlabel="minutes of training", ylabel=label, xscale="log")
        for number, result in enumerate(results):
            _draw(axes, name, result, f"C{number}")
        if first.pair == "grid":
            axes.plot(PEER_MINUTES, PEER[name], "k^:", label="peer's 'original', coverage 100 %")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
        axes.grid(alpha=0.3, which="both")
        axes.legend()
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, format="png")


def _draw(axes: "Axes", name: str, result: Result, colour: str) -> None:
    """One coverage: faces as themselves, and swaps, dashed, where their truth is known."""
    minutes = [point["seconds"] / 60 for point in result.curve]
    for prefix, style in (("", "-"), ("swap_", "--")):
        key = prefix + name
        if key not in result.curve[0]:
            continue
        label = f"{'swap against the truth, ' if prefix else ''}coverage {result.coverage:g} %"
        values = [point[key] for point in result.curve]
        axes.plot(minutes, values, style, color=colour, marker=".", label=label)
        at_once = zip(*(run.curve for run in result.runs), strict=True)
        ranges = [sorted(getattr(point, key) for point in points) for points in at_once]
        lowest, highest = [each[0] for each in ranges], [each[-1] for each in ranges]
        axes.fill_between(minutes, lowest, highest, color=colour, alpha=0.2)
