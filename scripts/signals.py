"""Signals that end a run: the first asks for a stop with a save, a later one leaves at once."""

import logging
import math
import signal
import threading
import time
from types import FrameType
from typing import Any

from lib.training.launch import STOPPING_SIGNALS

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_SIGNALS = 1.0
"""A terminal or a supervisor may send the same signal twice in a moment: that is one wish."""


class Leave(BaseException):
    """The user wants to leave at once; carries the exit code."""


class Signals:
    """Context in which the first stopping signal asks for a stop and a later one leaves."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._asked = math.inf
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in STOPPING_SIGNALS:
            self._before[number] = signal.signal(number, self._handle)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if time.monotonic() - self._asked > SECONDS_BETWEEN_SIGNALS:
            raise Leave(128 + number)
        if self._asked == math.inf:
            self._asked = time.monotonic()
            self._stop.set()
            logger.info("Stopping after this iteration, with a save; once more leaves at once")
