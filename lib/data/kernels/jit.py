"""How the kernels are compiled: when they are first called, and kept for the next run."""

import logging
from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core import event

_log = logging.getLogger(__name__)


class _Notice(event.Listener):
    """Says once that something is compiled, which takes some seconds."""

    def __init__(self) -> None:
        self.is_kept = True
        self._is_said = False

    def on_start(self, event: event.Event) -> None:
        if not self._is_said:
            self._is_said = True
            often = "once on this machine" if self.is_kept else "as no folder can keep the result"
            _log.info("Compiling the data path, %s: some seconds", often)

    def on_end(self, event: event.Event) -> None:
        """Nothing is said of the end."""


_notice = _Notice()
# Numba tells of what it compiles, not of what it finds compiled.
event.register("numba:compile", _notice)


def jit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Numba's `njit`, without Python's lock. Where no folder can keep the result, none does."""
    if function is None:
        return lambda function: jit(function, **options)
    try:
        return njit(nogil=True, **options)(function)
    except RuntimeError:  # numba's, where it can write nowhere
        if not options.get("cache"):
            raise
        _notice.is_kept = False
        return njit(nogil=True, **options | {"cache": False})(function)
