"""Notices that a run has broken down, from what came of its iterations.

A run breaks down in more ways than by numbers that are not finite: at too high a rate the output
saturates, the faces go flat or garish, and nothing is left for a gradient to go by. Then the loss
stays finite, and high. The thresholds were measured: ``docs/experiments.md``.
"""

from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

RECENT = 16
"""Iterations whose median is compared with those before."""
MEMORY = 500
"""Iterations before them that it is compared with, at most."""
WARM_UP = 100
"""The fewest: a new model's first iterations are like no others."""

_STRIDE = 8
"""From one comparison to the next. Their places go by the count of iterations, so that the same
run is judged alike however its figures come in."""
_STRETCH = 50
_IN_A_ROW, _OF_THE_LAST, _LAST = 10, 30, 100
_LEAST_RISE, _RISE_IN_NOISE = np.log(3), 4.0
_FALL, _SOUND = 0.25, 0.2
_GROWTH, _GARISH = 3.0, 2.0
_TAIL, _BEYOND_TAIL = 0.1, 1.5
_HUGE = 1e6
_FLOOR = 1e-6
"""A loss below this is none: no rise from there is worth a word."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Breakdown:
    """How a run has broken down.

    Attributes
    ----------
    kind
        ``bad_steps``: too many steps were not finite; ``loss``: it has risen far, and stays there;
        ``flat``, ``garish``: the faces vary far less, or far more, than they did.
    text
        The same for the user, on one line, with side and figures.
    """

    kind: Literal["bad_steps", "loss", "flat", "garish"]
    text: str


class Divergence:
    """Follows what comes of a run's iterations.

    Parameters
    ----------
    names
        Of the outputs, such as ``face_a``, ``mask_a``, ``face_b``, ``mask_b``, as
        `lib.model.compiling.loss_names` gives them.

    Notes
    -----
    The median over the newest `RECENT` iterations is compared with the run at its best, for each
    side by itself: the stretch of 50 iterations, among the `MEMORY` before, of the least median
    loss.

    A loss has risen when it is above 3 times its median there, above 1.5 times the 90th percentile,
    and its logarithm by 4 standard deviations of the noise higher. The noise is 1.4826 times the
    median absolute difference from one iteration to the next over root 2 [1]_, which a falling
    loss does not swell.

    By the spread of `lib.training.step.Outcome`, a face is flat when that is below a quarter of its
    median there and below the 10th percentile over 1.5, if that median was 0.2 or more; and garish
    above 3 times the median, above 1.5 times the 90th percentile, and above 2.

    The percentiles are for small batches of faces that are unlike: they have losses of two kinds,
    and the rarer kind may come often in a row.

    Iterations that are not good are counted, and else left out.

    References
    ----------
    .. [1] Rousseeuw and Croux 1993, "Alternatives to the median absolute deviation", JASA 88.
    """

    def __init__(self, names: Sequence[str]) -> None:
        half = len(names) // 2
        self._halves = slice(half), slice(half, None)
        faces = [index for index, name in enumerate(names) if name.startswith("face")]
        self._faces = [index for index in faces if index < half], [i for i in faces if i >= half]
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._rows: deque[Floats] = deque(maxlen=MEMORY + RECENT)
        self._count = 0
        self._bad: deque[bool] = deque(maxlen=_LAST)
        self._bad_in_a_row = 0

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to be judged by what came before, as JSON can hold it."""
        rows = np.array(self._rows, np.float32)
        return {"rows": b64encode(rows.tobytes()).decode(), "count": self._count}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`, of a run with as many outputs and the same losses.

        Raises
        ------
        ValueError
            It is of another run.
        """
        rows = np.frombuffer(b64decode(state["rows"], validate=True), np.float32)
        if not np.isfinite(rows).all():
            raise ValueError("what came of earlier iterations is not finite")
        self.reset()
        self._rows.extend(rows.astype(float).reshape(-1, 2, 1 + len(self._faces[0])))
        self._count = int(state["count"])

    def add(self, losses: Floats, spread: Floats, is_good: NDArray[np.bool_]) -> Breakdown | None:
        """Note the newest iterations.

        Parameters
        ----------
        losses, spread
            ``(n, outputs)``, the newest last. A good iteration's losses are finite.
        is_good
            ``(n,)``.

        Returns
        -------
        Breakdown or None
            The first among these iterations. Unless `reset` is called, the next follow as long as
            it lasts.
        """
        found = None
        for row, good in zip(self._rows_of(losses, spread), is_good, strict=True):
            new = self._add_good(row) if good else None
            found = found or self._count_bad(bool(good)) or new
        return found

    def _rows_of(self, losses: Floats, spread: Floats) -> Floats:
        """For each side its loss, then the spread of each of its faces, ``(n, 2, 1 + faces)``."""
        # A prediction so large that its standard deviation can't be told gives inf or NaN.
        known = np.nan_to_num(spread, nan=_HUGE, posinf=_HUGE)
        sides = [
            np.column_stack([losses[:, half].sum(axis=1), known[:, faces]])
            for half, faces in zip(self._halves, self._faces, strict=True)
        ]
        # As exact as they are stored, so that a resumed run is judged as one that was not stopped.
        return np.stack(sides, axis=1).astype(np.float32).astype(float)

    def _count_bad(self, good: bool) -> Breakdown | None:
        self._bad.append(not good)
        self._bad_in_a_row = 0 if good else self._bad_in_a_row + 1
        if good:
            return None
        what = "had losses or gradients that are not finite"
        if self._bad_in_a_row >= _IN_A_ROW:
            return Breakdown("bad_steps", f"{self._bad_in_a_row} iterations in a row {what}")
        if (count := sum(self._bad)) >= _OF_THE_LAST:
            return Breakdown("bad_steps", f"{count} of the last {len(self._bad)} iterations {what}")
        return None

    def _add_good(self, row: Floats) -> Breakdown | None:
        self._rows.append(row)
        self._count += 1
        if self._count % _STRIDE or self._count < WARM_UP + RECENT:
            return None
        rows = np.array(self._rows)
        judged = (_judge(name, rows[:, side]) for side, name in enumerate("AB"))
        return next((found for found in judged if found), None)


def _judge(side: str, rows: Floats) -> Breakdown | None:
    """Compare the newest ``(n, 1 + faces)`` losses and spreads of a side with its best."""
    before, recent = rows[:-RECENT], np.median(rows[-RECENT:], axis=0)
    low, was, high = np.quantile(_best(before), (_TAIL, 0.5, 1 - _TAIL), axis=0)
    low, high = low / _BEYOND_TAIL, high * _BEYOND_TAIL
    for least, then, most, now in zip(low[1:], was[1:], high[1:], recent[1:], strict=True):
        figures = (
            f"over the last {RECENT} iterations they vary {now:.2g} times as much as the real "
            f"ones, at its best {then:.2g} times"
        )
        if now < min(_FALL * then, least) and then >= _SOUND:
            return Breakdown("flat", f"the faces of side {side} have gone flat: {figures}")
        if now > max(_GROWTH * then, _GARISH, most):
            return Breakdown("garish", f"the faces of side {side} have gone garish: {figures}")
    if recent[0] <= max(_highest(was[0], before[:, 0]), high[0]):
        return None
    return Breakdown(
        "loss",
        f"the loss of side {side} has risen to {recent[0]:.3g}, the median of the last {RECENT} "
        f"iterations, from {was[0]:.3g} at its best, and stays there",
    )


def _best(rows: Floats) -> Floats:
    """The stretch of the least median loss."""
    count = len(rows) // _STRETCH
    stretches = rows[len(rows) - count * _STRETCH :].reshape(count, _STRETCH, -1)
    best: Floats = stretches[np.median(stretches[..., 0], axis=1).argmin()]
    return best


def _highest(best: float, losses: Floats) -> float:
    """How high a loss may be, by its best level and its noise."""
    levels = np.log(np.maximum(losses, _FLOOR))
    noise = 1.4826 * np.median(np.abs(np.diff(levels))) / np.sqrt(2)
    return float(max(best, _FLOOR) * np.exp(max(_LEAST_RISE, _RISE_IN_NOISE * noise)))
