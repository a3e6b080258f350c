"""Keeps losses on the device until they are wanted, so that no iteration waits for the last one."""

import time
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.logs.tensorboard import ScalarLog

SECONDS_BETWEEN_READS = 0.25


class LossLog:
    """Collects every iteration's losses and writes them when they are read back.

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

    def add(self, iteration: int, losses: Tensor) -> None:
        """Note the losses of an iteration, ``(outputs,)``, without reading them."""
        self._pending.append((iteration, losses))

    @property
    def is_due(self) -> bool:
        """Whether the last reading is long enough ago."""
        return time.monotonic() - self._last_read >= SECONDS_BETWEEN_READS

    def flush(self) -> tuple[float, float]:
        """Read the losses back and log them: the one wait for the device.

        Returns
        -------
        tuple of float
            Loss of side A and of side B in the newest iteration.
        """
        values = torch.stack([losses for _, losses in self._pending]).cpu().double().numpy()
        if self._scalars is not None:
            for (iteration, _), row in zip(self._pending, values, strict=True):
                entries = [row.sum(), *row]
                self._scalars.add(iteration, dict(zip(self._names, entries, strict=True)))
        self._pending.clear()
        self._last_read = time.monotonic()
        loss_a, loss_b = values[-1].reshape(2, -1).sum(axis=1)
        return float(loss_a), float(loss_b)

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
