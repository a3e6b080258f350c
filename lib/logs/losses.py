"""Keeps what comes of steps on the device until it is wanted, so that no iteration waits."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.logs.tensorboard import ScalarLog
from lib.training.step import Outcome

SECONDS_BETWEEN_READS = 0.25


@dataclass(frozen=True, eq=False)
class Reading:
    """What came of the steps since the last reading, the newest last.

    Attributes
    ----------
    iterations
        ``(n,)`` their numbers.
    losses, spread
        ``(n, outputs)``, as in `lib.training.step.Outcome`.
    is_good
        ``(n,)``, likewise.
    """

    iterations: NDArray[np.int64]
    losses: NDArray[np.float64]
    spread: NDArray[np.float64]
    is_good: NDArray[np.bool_]

    @property
    def newest(self) -> tuple[float, float]:
        """Loss of side A and of side B in the newest iteration."""
        loss_a, loss_b = self.sides[-1]
        return float(loss_a), float(loss_b)

    @property
    def sides(self) -> NDArray[np.float64]:
        """Loss of side A and of side B, ``(n, 2)``."""
        sums: NDArray[np.float64] = self.losses.reshape(len(self.losses), 2, -1).sum(axis=2)
        return sums


class LossLog:
    """Collects what comes of every iteration, and writes the losses when they are read back.

    Parameters
    ----------
    names
        Names of what is logged: the total, then each output's loss, side A's first.
    scalars
        Where to write them; None for nowhere.
    """

    def __init__(self, names: list[str], scalars: ScalarLog | None) -> None:
        self._names = names
        self._scalars = scalars
        self._pending: list[tuple[int, Tensor]] = []
        self._last_read = 0.0

    def add(self, iteration: int, outcome: Outcome) -> None:
        """Note what came of an iteration, without reading it."""
        is_good = outcome.is_good.to(outcome.losses.dtype).unsqueeze(0)
        self._pending.append((iteration, torch.cat([outcome.losses, outcome.spread, is_good])))

    @property
    def is_due(self) -> bool:
        """Whether the last reading is long enough ago."""
        return time.monotonic() - self._last_read >= SECONDS_BETWEEN_READS

    @property
    def is_empty(self) -> bool:
        """Whether all has been read."""
        return not self._pending

    def flush(self) -> Reading:
        """Read all back, and log the losses: the one wait for the device."""
        numbers = np.array([iteration for iteration, _ in self._pending])
        values = torch.stack([entry for _, entry in self._pending]).cpu().double().numpy()
        losses, spread = np.split(values[:, :-1], 2, axis=1)
        self.drop()
        if self._scalars is not None:
            for iteration, row in zip(numbers, losses, strict=True):
                entries = [row.sum(), *row]
                self._scalars.add(int(iteration), dict(zip(self._names, entries, strict=True)))
        self._last_read = time.monotonic()
        return Reading(numbers, losses, spread, values[:, -1] > 0)

    def drop(self) -> None:
        """Forget what has not been read, of iterations that do not count any more."""
        self._pending.clear()

    def add_scalars(self, iteration: int, values: Mapping[str, float]) -> None:
        """Log other figures of an iteration by their names."""
        if self._scalars is not None:
            self._scalars.add(iteration, values)

    def add_image(self, iteration: int, tag: str, image: NDArray[np.uint8]) -> None:
        """Log a BGR picture."""
        if self._scalars is not None:
            self._scalars.add_image(iteration, tag, image)

    def close(self) -> None:
        """Write what is pending and close the log."""
        if self._pending:
            self.flush()
        if self._scalars is not None:
            self._scalars.close()
