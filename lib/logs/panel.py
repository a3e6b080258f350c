"""The panel that shows in a terminal how a run fares: losses, pace, estimates, keys."""

import io
import math
import re
import time

import numpy as np
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.text import Text

from lib.live.figures import duration, rate, share
from lib.live.status import Status
from lib.logs.course import ASCII, BLOCKS, Course, sparkline

NARROWEST = 40
"""Columns that it needs."""
LOWEST = 12
"""Rows that the terminal needs, so that messages are to be seen above it."""
MINUTES = 5
"""Of the newest losses; the other drawing goes back to the start."""

_CODES = re.compile(r"\x1b\[[0-9;]*m")
_SMOOTHING = 30.0
"""Time constant of the smoothed losses in seconds."""


class Panel:
    """Gathers losses, and shows them with a run's status.

    Parameters
    ----------
    encoding
        Of the terminal; where it has no block characters, others are taken.
    """

    def __init__(self, encoding: str) -> None:
        self._start = self._last = time.monotonic()
        self._newest_minutes = Course(MINUTES * 60 / 240, keeps_all=False)
        self._whole_run = Course(1.0, keeps_all=True)
        self._losses = self._smoothed = np.full(2, np.nan)
        self._levels = _levels(encoding)
        self._console = _console(encoding)

    def add(self, loss_a: float, loss_b: float) -> None:
        """Take the newest losses."""
        now, self._losses = time.monotonic(), np.array([loss_a, loss_b])
        for course in (self._newest_minutes, self._whole_run):
            course.add(now - self._start, self._losses)
        share = 1 - math.exp(-(now - self._last) / _SMOOTHING)
        moved = self._smoothed + share * (self._losses - self._smoothed)
        first = np.where(np.isfinite(self._smoothed), self._smoothed, self._losses)
        self._smoothed = np.where(np.isfinite(moved), moved, first)
        self._last = now

    @staticmethod
    def fits(width: int, height: int) -> bool:
        """Whether a terminal of so many columns to write to, and rows, is large enough."""
        return width >= NARROWEST - 1 and height >= LOWEST

    def lines(self, status: Status, keys: str, width: int) -> list[tuple[str, int]]:
        """Draw it.

        Parameters
        ----------
        status
            Of the run.
        keys
            Which keys do what; empty for none.
        width
            Columns to fill, not less than `NARROWEST` but for one.

        Returns
        -------
        list of tuple
            Each line with the terminal's codes for colours, and how many columns it takes.
        """
        with self._console.capture() as captured:
            self._console.print(self._parts(status, keys, width), width=width)
        lines = captured.get().splitlines()
        return [(line, cell_len(_CODES.sub("", line))) for line in lines]

    def _parts(self, status: Status, keys: str, width: int) -> RenderableType:
        title = f"{status.plugin}: {status.state}"
        parts: list[RenderableType] = [Rule(title, style="dim", align="left")]
        parts += self._loss_lines(width)
        if not status.is_open_ended:
            parts += [_bar(status), Text()]  # the bar does not end its line
        parts += [Text(_progress(status)), Text(_pace(status))]
        return Group(*parts, *([Text(keys, style="dim")] if keys else []))

    def _loss_lines(self, width: int) -> list[Text]:
        drawing = (width - 27) // 2
        heads = f"{f'{MINUTES} min':{drawing + 2}}run"
        lines = [Text(f"{'Loss':4}{'newest':>8}  {'smoothed':>8}   {heads}", style="dim")]
        recent, whole = (c.means(drawing) for c in (self._newest_minutes, self._whole_run))
        for side, colour in enumerate(("cyan", "magenta")):
            figures = f"{_loss(self._losses[side]):>8}  {_loss(self._smoothed[side]):>8}"
            first, second = (sparkline(c[:, side], self._levels) for c in (recent, whole))
            line = Text.assemble((f"{'AB'[side]:4}", colour), f"{figures}   ")
            lines.append(line.append(f"{first:{drawing}}  {second}", style=colour))
        return lines


def _loss(value: float) -> str:
    return f"{value:.5f}" if abs(value) < 10 else f"{value:.3g}"


def _bar(status: Status) -> ProgressBar:
    total = max(1, status.end)
    return ProgressBar(total, status.iteration, complete_style="green", finished_style="green")


def _progress(status: Status) -> str:
    done = f"{status.iteration:,}"
    if status.is_open_ended:
        parts = [f"Iteration {done}"]
    else:
        parts = [f"{done} of {status.end:,} ({status.iteration / max(1, status.end):.0%})"]
    parts.append(f"{duration(time.time() - status.started)} so far")
    for what, seconds in (("save", status.seconds_to_save), ("end", status.seconds_to_end)):
        if seconds is not None:
            parts.append(f"{what} in {duration(seconds)}")
    return ", ".join(parts)


def _pace(status: Status) -> str:
    if not status.rate:
        return "The first iterations take longest"
    pace = rate(status.rate)
    return pace if status.waiting is None else f"{pace}, {share(status.waiting)} waiting for data"


def _levels(encoding: str) -> str:
    try:
        BLOCKS.encode(encoding)
    except UnicodeEncodeError:
        return ASCII
    return BLOCKS


class _Sink(io.StringIO):
    """Takes what Rich writes, and tells the terminal's encoding, by which Rich chooses lines."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding


def _console(encoding: str) -> Console:
    return Console(
        file=_Sink(encoding),
        force_terminal=True,
        legacy_windows=False,
        highlight=False,
        markup=False,
    )
