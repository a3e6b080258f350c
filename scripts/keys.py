"""Reads single keys from the terminal, where there is one."""

import os
import sys
import time
from types import TracebackType
from typing import Any

from lib.logs.terminal import is_terminal

if sys.platform == "win32":
    import msvcrt
else:
    import select
    import termios
    import tty

KEYS = "Enter saves and stops, s saves, r refreshes the preview"
"""What keys do while a model trains."""


class Keys:
    """Context in which keys arrive one by one, without Enter.

    With no terminal on standard input, or with it closed, no key ever arrives.

    Parameters
    ----------
    is_wanted
        Whether to read keys at all: of several processes at one terminal none may.
    """

    def __init__(self, is_wanted: bool = True) -> None:
        self._stream = sys.stdin if is_wanted and _is_terminal(sys.stdin) else None
        self._saved: Any = None

    @property
    def are_there(self) -> bool:
        """Whether there is a terminal to read from."""
        return self._stream is not None

    def __enter__(self) -> "Keys":
        if self._stream is not None and sys.platform != "win32":
            self._saved = termios.tcgetattr(self._stream)
            tty.setcbreak(self._stream)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._saved is not None and self._stream is not None and sys.platform != "win32":
            termios.tcsetattr(self._stream, termios.TCSADRAIN, self._saved)

    def read(self, timeout: float) -> str | None:
        """The next key, in lower case, or None when `timeout` seconds pass without one."""
        if self._stream is None:
            time.sleep(timeout)
            return None
        if sys.platform == "win32":
            return _read_windows(timeout)
        ready, _, _ = select.select([self._stream], [], [], timeout)
        # Past Python's buffer, which would hide a second key from select.
        key = os.read(self._stream.fileno(), 1) if ready else b""
        if ready and not key:
            self._stream = None
        return key.decode(errors="replace").lower() or None


def _is_terminal(stream: Any) -> bool:
    """Whether there is a terminal, and this program is not in its background."""
    try:
        return is_terminal(stream) and not _in_background(stream.fileno())
    except (OSError, ValueError):
        return False


def _in_background(terminal: int) -> bool:
    if sys.platform == "win32":
        return False
    try:
        return os.tcgetpgrp(terminal) != os.getpgrp()
    except OSError:
        return False  # a terminal, but not the one that controls jobs


def _read_windows(timeout: float) -> str | None:
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if sys.platform == "win32" and msvcrt.kbhit():
            key = msvcrt.getwch()
            if key not in ("\x00", "\xe0"):
                return key.lower()
            msvcrt.getwch()  # an arrow or function key comes in two parts
        time.sleep(0.05)
    return None
