"""The line that tells the losses, rewritten in place, and messages that keep out of its way."""

import logging
import os
import shutil
import sys
import threading
import time
from contextlib import suppress
from typing import TextIO


def loss_line(iteration: int, loss_a: float, loss_b: float, suffix: str = "") -> str:
    """Time of day, iteration and losses: ``[HH:MM:SS] [#00001] Loss A: 0.12345, Loss B: ...``."""
    now = time.strftime("%H:%M:%S")
    return f"[{now}] [#{iteration:05d}] Loss A: {loss_a:.5f}, Loss B: {loss_b:.5f}{suffix}"


class ConsoleLine:
    """A terminal's last line, which is rewritten in place, with messages above it.

    Without a terminal there are only the messages. A stream that fails, such as a pipe whose reader
    has gone, silences the object. It may be used from several threads.

    Parameters
    ----------
    stream
        Where to write; None for standard output.
    interactive
        Whether the stream is a terminal; None to find out.
    """

    def __init__(self, stream: TextIO | None = None, interactive: bool | None = None) -> None:
        self._stream: TextIO | None = stream or sys.stdout
        self._interactive = _is_terminal(self._stream) if interactive is None else interactive
        self._shown = ""
        # Reentrant, because a signal handler may log while its own thread is writing.
        self._lock = threading.RLock()

    def update(self, iteration: int, loss_a: float, loss_b: float, suffix: str = "") -> None:
        """Rewrite the line, cut to the terminal's width; without a terminal do nothing.

        Parameters
        ----------
        iteration
            Iterations trained so far.
        loss_a, loss_b
            Loss of either side.
        suffix
            What else to tell, such as ``"  0.31 s/it"``.
        """
        if not self._interactive:
            return
        with self._lock:
            width = _width()
            line = loss_line(iteration, loss_a, loss_b, suffix)[:width]
            self._write("\r" + line.ljust(min(len(self._shown), width)))
            self._shown = line

    def message(self, text: str) -> None:
        """Print whole lines, above the one that is rewritten."""
        with self._lock:
            if self._shown:
                self._shown = self._shown[: _width()]
                # Spaces, because not every terminal knows the escape code that clears a line.
                text = f"\r{' ' * len(self._shown)}\r{text}"
            self._write(f"{text}\n{self._shown}")

    def close(self) -> None:
        """End the rewritten line, so that what follows starts on a new one.

        Messages may still follow.
        """
        with self._lock:
            if self._shown:
                self._write("\n")
            self._shown = ""

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(_encodable(text, self._stream.encoding or "utf-8"))
            self._stream.flush()
        except (OSError, ValueError):
            _silence(self._stream)
            self._stream = None
        except RuntimeError:
            pass  # A signal handler's message came in the middle of a write: better lost than fatal


class LineAwareHandler(logging.Handler):
    """Sends log records to a console line's messages; warnings and worse name their level.

    Parameters
    ----------
    console
        Where the messages go.
    """

    def __init__(self, console: ConsoleLine) -> None:
        super().__init__()
        self._console = console
        # A handler without a format gets logging's own, with level and name, from basicConfig.
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record; one that can't be formatted is reported as `logging` does."""
        try:
            text = self.format(record)
        except Exception:
            self.handleError(record)
            return
        prefix = f"{record.levelname}: " if record.levelno >= logging.WARNING else ""
        self._console.message(prefix + text)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def _silence(stream: TextIO) -> None:
    """Let what a stream has kept, and will get, go nowhere: whoever flushes it would fail too."""
    with suppress(OSError, ValueError), open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), stream.fileno())


def _width() -> int:
    """Columns to write to: all but the last, since many terminals wrap once that is written."""
    return max(0, shutil.get_terminal_size().columns - 1)


def _encodable(text: str, encoding: str) -> str:
    """Text with escapes for what the encoding lacks, such as a file name's odd bytes."""
    return text.encode(encoding, "backslashreplace").decode(encoding)
