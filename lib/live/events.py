"""The log that other programs read: one JSON object a line, appended as things happen."""

import json
import logging
import math
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


class EventLog:
    """A file of JSON lines. One that can't be written to is warned of once; training goes on.

    Several threads may use it.

    Parameters
    ----------
    path
        The file, made at the first event; its folder too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_open = True
        self._has_begun = False
        self._lock = threading.Lock()

    def add(self, event: str, iteration: int, **values: Any) -> None:
        """Append an event with its time, in seconds since 1970.

        Parameters
        ----------
        event
            What happened, such as "held_out".
        iteration
            Iterations trained so far.
        **values
            What to tell about it: numbers, text, None, or mappings of such. A number that JSON
            lacks (NaN, infinity) becomes null.
        """
        if not self._is_open:
            return
        known = {key: _plain(value) for key, value in values.items()}
        record = {"time": round(time.time(), 3), "event": event, "iteration": iteration, **known}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock, self._path.open("ab") as file:
                line = json.dumps(record, allow_nan=False) + "\n"
                file.write((self._start() + line).encode())
        except OSError as error:
            self._is_open = False
            logger.warning(
                "Events are no longer logged, training goes on: can't write to '%s' (%s)",
                self._path,
                error.strerror or error,
            )

    def _start(self) -> str:
        """What goes before the next line: the end of one that an earlier run has left half."""
        if self._has_begun:
            return ""
        self._has_begun = True
        with self._path.open("rb") as file:
            if not file.seek(0, os.SEEK_END):
                return ""
            file.seek(-1, os.SEEK_END)
            return "" if file.read() == b"\n" else "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
