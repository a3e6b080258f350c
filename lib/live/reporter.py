"""Tells viewers how a run fares, in the background of it: nothing here holds up the training."""

import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.errors import FaceswapError
from lib.live.events import EventLog
from lib.live.status import Status, write_status

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_STATUSES = 1.0
SECONDS_BETWEEN_EVENTS = 10.0
_MOST_WARNINGS = 100


class _Warnings(logging.Handler):
    """Keeps warnings and worse until they are taken."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.kept: deque[str] = deque(maxlen=_MOST_WARNINGS)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's message."""
        try:
            self.kept.append(record.getMessage())
        except Exception:
            self.handleError(record)


class Reporter:
    """Gathers what is to be told of a run, and writes it when `tick` is called.

    The thread that trains gathers, another one writes, so that a disk that hangs keeps only the
    latter waiting. One that fails is told once, and ends nothing.

    Parameters
    ----------
    folder
        The live folder.
    status
        Of the run as it starts; it is written at the first `tick`.
    save_interval
        Iterations from save to save.
    memory
        Gives the bytes in use.
    """

    def __init__(
        self,
        folder: Path,
        status: Status,
        *,
        save_interval: int,
        memory: Callable[[], int | None],
    ) -> None:
        self._folder = folder
        self._is_new = not folder.exists()
        self._status = replace(status, started=time.time())
        self._interval = save_interval
        self._memory = memory
        self._events: EventLog | None = None
        self._begun: dict[str, Any] | None = None
        self._lock = threading.Lock()
        self._is_urgent, self._is_news = True, True
        self._has_failed = False
        self._written = self._told = 0.0
        self._losses: list[NDArray[np.float64]] = []
        self._warnings = _Warnings()
        logging.getLogger().addHandler(self._warnings)

    @property
    def folder(self) -> Path:
        """The live folder."""
        return self._folder

    @property
    def status(self) -> Status:
        """The run as it is now, whether it could be written or not."""
        with self._lock:
            return self._status

    def begin(
        self,
        events: EventLog,
        begin: int,
        end: int,
        *,
        options: Mapping[str, Any],
        defaults: Mapping[str, Any],
        **more: Any,
    ) -> None:
        """The run begins to train.

        Parameters
        ----------
        events
            Where its events go; nothing goes there before the first iteration is done.
        begin, end
            Iterations trained before the run, and when it ends by itself.
        options, defaults
            Options that may be changed while it trains: their values, and those of a run that
            nobody has set anything for.
        **more
            What else to tell of it in the log.
        """
        with self._lock:
            self._status = replace(
                self._status,
                state="training",
                begin=begin,
                iteration=begin,
                end=end,
                options=dict(options),
                defaults=dict(defaults),
            )
            self._begun = {"plugin": self._status.plugin, "pid": self._status.pid, **more}
            self._begun |= {"options": dict(options), "begin": begin, "end": end}
            self._events = events
            self._told = time.monotonic()
            self._is_urgent = True

    def figures(
        self,
        iteration: int,
        losses: NDArray[np.float64],
        rate: float | None,
        waiting: float | None,
    ) -> None:
        """What came of the newest iterations.

        Parameters
        ----------
        iteration
            Iterations trained by now.
        losses
            ``(n, 2)``: of side A and of side B, the newest last.
        rate
            Iterations a second.
        waiting
            Share of the time spent waiting for data, 0..1.
        """
        a, b = (float(loss) if np.isfinite(loss) else None for loss in losses[-1])
        with self._lock:
            self._losses.append(losses)
            self._status = replace(
                self._status, iteration=iteration, loss_a=a, loss_b=b, rate=rate, waiting=waiting
            )
            self._is_news = True
        if self._begun is not None and self._events is not None:
            self._events.add("begun", self._begun["begin"], **self._begun)
            self._tell_warnings(self._begun["begin"])
            self._begun = None

    def option(self, name: str, old: Any, new: Any, by: str) -> None:
        """An option was set while the run trains."""
        with self._lock:
            self._status = replace(self._status, options={**self._status.options, name: new})
            self._is_urgent = True
        self._tell("option", name=name, old=old, new=new, by=by)

    def stopping(self, iteration: int | None = None) -> None:
        """The run is to end with the iteration that is computed, or with this one, which is done.

        The losses of that one may not be read.
        """
        with self._lock:
            if iteration is not None:
                self._status = replace(self._status, iteration=iteration)
                self._is_news = True
            if self._status.state == "training":
                self._status = replace(self._status, state="stopping")
                self._is_urgent = True

    def tick(self) -> None:
        """Write what is due; for a thread that does not train, several times a second."""
        now = time.monotonic()
        is_due = self._is_news and now - self._written >= SECONDS_BETWEEN_STATUSES
        if self._is_urgent or is_due:
            self._write(now)
        if self._has_begun:
            self._tell_warnings(self._status.iteration)
        if self._losses and now - self._told >= SECONDS_BETWEEN_EVENTS:
            self._tell_progress(now)

    def end(self, state: str, message: str = "") -> None:
        """The run has ended: write all that is left.

        One that never came to train leaves no folder that was not there before.

        Parameters
        ----------
        state
            "stopped" or "failed".
        message
            Why it failed.
        """
        logging.getLogger().removeHandler(self._warnings)
        if self._is_new and not self._has_begun:
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        if self._has_begun:
            self._tell_warnings(self._status.iteration)
        self._tell_progress(time.monotonic())
        with self._lock:
            self._status = replace(self._status, state=state, message=message)
        self._write(time.monotonic())
        self._tell(state, **({"text": message} if message else {}))

    def _write(self, now: float) -> None:
        memory = self._memory()
        with self._lock:
            self._is_urgent = self._is_news = False
            self._status = replace(
                self._status, changed=time.time(), memory=memory, next_save=self._next_save()
            )
            status = self._status
        self._written = now
        try:
            write_status(self._folder, status)
        except FaceswapError as error:
            if not self._has_failed:
                logger.warning("Viewers see no status of this run: %s; training goes on", error)
            self._has_failed = True

    def _next_save(self) -> int:
        status = self._status
        done = status.iteration - status.begin
        return min(status.end, status.begin + (done // self._interval + 1) * self._interval)

    @property
    def _has_begun(self) -> bool:
        return self._events is not None and self._begun is None

    def _tell(self, event: str, **values: Any) -> None:
        if self._events is not None and self._has_begun:
            self._events.add(event, self._status.iteration, **values)

    def _tell_warnings(self, iteration: int) -> None:
        while self._events is not None and self._warnings.kept:
            self._events.add("warning", iteration, text=self._warnings.kept.popleft())

    def _tell_progress(self, now: float) -> None:
        with self._lock:
            losses, self._losses = self._losses, []
            status = self._status
        if not losses:
            return
        self._told = now
        means = _means(np.concatenate(losses))
        known: Mapping[str, Any] = {"rate": status.rate, "waiting": status.waiting}
        self._tell("progress", **means, **known, memory=status.memory)


def _means(losses: NDArray[np.float64]) -> dict[str, float | None]:
    """Mean loss of either side, over those iterations whose losses are numbers."""
    good = losses[np.isfinite(losses).all(axis=1)]
    means = good.mean(axis=0).tolist() if len(good) else [None, None]
    return dict(zip(("loss_a", "loss_b"), means, strict=True))
