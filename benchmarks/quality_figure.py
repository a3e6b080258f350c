"""Draws how good faces are over the time of training, from what `quality --json` printed."""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

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

SCORES = {"psnr": "PSNR (dB)", "ssim": "SSIM"}
SAME = 1.05
"""Times of scoring that differ by less than this factor count as one."""

Line = Mapping[str, Any]
"""What the benchmark prints for one coverage."""


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.quality_figure", description=__doc__)
    options.add_argument("files", nargs="+", metavar="FILE", help="of lines of JSON")
    options.add_argument("--png", required=True, metavar="OUT", help="file to write or replace")
    arguments = options.parse_args()
    write_figure(arguments.png, [line for path in arguments.files for line in read(path)])


def read(path: str) -> list[Line]:
    """Read what ``quality --json`` printed into a file."""
    texts = Path(path).read_text(encoding="utf-8").splitlines()
    return [json.loads(text) for text in texts if text.strip()]


def write_figure(path: str | Path, lines: Sequence[Line]) -> None:
    """Draw curves as a PNG: the mean over the seeds, and a band from the least to the greatest.

    Parameters
    ----------
    path
        File to write or replace.
    lines
        As the benchmark gives them, all of one pair of people. Those of the same model, coverage
        and clock are one curve.

    Raises
    ------
    SystemExit
        They are of several pairs.
    FaceswapError
        The file can't be written.
    """
    pairs = {line["pair"] for line in lines}
    if len(pairs) != 1:
        raise SystemExit(f"One pair of people makes a figure, and these are {sorted(pairs)}")
    figure = Figure((12, 6), 110, layout="constrained")
    figure.suptitle(f"Faces held out, {pairs.pop()} pair: mean of the seeds, least to greatest")
    panels = figure.subplots(1, 2)
    for axes, name in zip(panels, SCORES, strict=True):
        _panel(axes, name, lines)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, format="png")


def _panel(axes: "Axes", name: str, lines: Sequence[Line]) -> None:
    axes.set(xlabel="minutes of training", ylabel=SCORES[name], xscale="log")
    for number, ((model, coverage, batch, clock), runs) in enumerate(_by_settings(lines).items()):
        seeds, pace = len({run["seed"] for run in runs}), clock.partition(",")[0]
        what = f"{model}, coverage {coverage:g} %, batch {batch}"
        label = f"{what}, {seeds} seed{'s' * (seeds > 1)}, {pace}"
        _draw(axes, name, runs, f"C{number}", "-", label)
        _draw(axes, f"swap_{name}", runs, f"C{number}", "--", "its swaps against the truth")
    if lines[0]["pair"] == "grid":
        axes.plot(PEER_MINUTES, PEER[name], "k^:", label="another program's 'original', 100 %")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.grid(alpha=0.3)


def _by_settings(lines: Sequence[Line]) -> dict[tuple[str, float, int, str], list[Line]]:
    """Runs that differ in nothing but their seeds, by those."""
    found: dict[tuple[str, float, int, str], list[Line]] = {}
    for line in lines:
        key = line["model"], line["coverage"], line["batch"], line["clock"]
        found.setdefault(key, []).extend(line["runs"])
    return found


def _draw(
    axes: "Axes", name: str, runs: Iterable[Line], colour: str, style: str, label: str
) -> None:
    points = band([run["curve"] for run in runs], name)
    if not points:
        return
    minutes, means, least, greatest = zip(*points, strict=True)
    axes.plot(minutes, means, style, color=colour, marker=".", label=label)
    axes.fill_between(minutes, least, greatest, color=colour, alpha=0.2)


def band(curves: Sequence[Sequence[Line]], name: str) -> list[tuple[float, float, float, float]]:
    """Minutes; mean, least and greatest score then, of the runs that were scored by then.

    A run counts from its first point to its last, and between two points along the line from one
    to the other. It counts for nothing where the score is not known.
    """
    known = [[p for p in curve if p.get(name) is not None] for curve in curves]
    runs = [
        (np.array([p["seconds"] / 60 for p in curve]), np.array([p[name] for p in curve]))
        for curve in known
        if curve
    ]
    rows = []
    for minute in _apart(np.concatenate([minutes for minutes, _ in runs]) if runs else ()):
        scores = [
            np.interp(np.log(minute), np.log(minutes), values)
            for minutes, values in runs
            if minutes[0] < SAME * minute and minute <= minutes[-1]
        ]
        rows.append((minute, np.mean(scores), np.min(scores), np.max(scores)))
    return rows


def _apart(times: Iterable[float]) -> list[float]:
    """Times in order; of those that are as good as one, the first, which all have reached."""
    kept: list[float] = []
    for moment in sorted(times):
        if not kept or moment >= SAME * kept[-1]:
            kept.append(float(moment))
    return kept


if __name__ == "__main__":
    main()
