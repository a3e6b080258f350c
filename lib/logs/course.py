"""How the losses have gone over time, in few numbers, and drawn on a line of text."""

import numpy as np
from numpy.typing import NDArray

SPANS = 240
BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.-~=+*#"


class Course:
    """Mean losses of both sides over equal spans of time.

    Parameters
    ----------
    seconds
        Length of a span.
    keeps_all
        Whether spans double in length when they are too many; else the oldest is dropped.
    """

    def __init__(self, seconds: float, *, keeps_all: bool) -> None:
        self._seconds = seconds
        self._keeps_all = keeps_all
        self._sums, self._counts = np.zeros((2, SPANS, 2))
        self._first = self._used = 0

    def add(self, when: float, losses: NDArray[np.float64]) -> None:
        """Take losses; what is not a number counts for nothing.

        Parameters
        ----------
        when
            Seconds since the start, never less than those before.
        losses
            ``(2,)``, of side A and of side B.
        """
        while (number := int(when / self._seconds) - self._first) >= SPANS:
            self._make_room(number - SPANS + 1)
        is_good = np.isfinite(losses)
        self._sums[number, is_good] += losses[is_good]
        self._counts[number] += is_good
        self._used = number + 1

    def _make_room(self, spans: int) -> None:
        if self._keeps_all:
            self._seconds *= 2
            self._sums, self._counts = (_in_pairs(old) for old in (self._sums, self._counts))
        else:
            self._first += spans
            self._sums, self._counts = (_shifted(old, spans) for old in (self._sums, self._counts))

    def means(self, width: int) -> NDArray[np.float64]:
        """Means for so many columns of a drawing, or fewer where less time has passed.

        Returns
        -------
        ndarray
            ``(columns, 2)``. Where nothing was taken, the mean before goes on; NaN before the
            first.
        """
        starts = np.linspace(0, self._used, min(width, self._used), endpoint=False).astype(int)
        if not len(starts):
            return np.empty((0, 2))
        used = slice(self._used)
        sums, counts = (np.add.reduceat(a[used], starts) for a in (self._sums, self._counts))
        with np.errstate(invalid="ignore"):
            means = sums / counts
        known = np.where(counts > 0, np.arange(len(starts))[:, None], 0)
        filled: NDArray[np.float64] = np.take_along_axis(means, np.maximum.accumulate(known), 0)
        return filled


def _in_pairs(spans: NDArray[np.float64]) -> NDArray[np.float64]:
    joined = spans.reshape(-1, 2, 2).sum(axis=1)
    return np.concatenate([joined, np.zeros_like(joined)])


def _shifted(spans: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    return np.concatenate([spans[by:], np.zeros((min(by, len(spans)), 2))])


def sparkline(values: NDArray[np.float64], levels: str = BLOCKS) -> str:
    """Draw values as one line of text, from the lowest of them to the highest.

    The scale is that of logarithms where all are above 0: a loss falls far at first, and little
    later.

    Parameters
    ----------
    values
        ``(n,)``; NaN leaves a gap.
    levels
        Characters from low to high.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return " " * len(values)
    scaled = np.log(values) if known.min() > 0 else values
    low, high = np.nanmin(scaled), np.nanmax(scaled)
    steps = (scaled - low) / ((high - low) or 1) * (len(levels) - 1)
    gap = len(levels)
    chosen = np.where(np.isfinite(steps), np.rint(steps), gap).astype(int)
    return "".join((levels + " ")[step] for step in chosen.tolist())
