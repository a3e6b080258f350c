"""The line that tells the losses, rewritten in place, and messages that keep out of its way."""

import logging
import os
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from lib.logs.terminal import Block, is_terminal, knows_codes, size, wrapped
from lib.printable import printable

if TYPE_CHECKING:
    from lib.live.status import Status
    from lib.logs.panel import Panel

Newest = tuple[int, float, float, str]
"""Arguments of an update."""

_BOLD_YELLOW, _PLAIN = "\x1b[1;33m", "\x1b[0m"


def loss_line(iteration: int, loss_a: float, loss_b: float, suffix: str = "") -> str:
    """Time of day, iteration and losses: ``[HH:MM:SS] [#00001] Loss A: 0.12345, Loss B: ...``."""
    now = time.strftime("%H:%M:%S")
    return f"[{now}] [#{iteration:05d}] Loss A: {loss_a:.5f}, Loss B: {loss_b:.5f}{suffix}"


class ConsoleLine:
    """A terminal's last line, which is rewritten in place, with messages above it.

    Where the terminal can do that, and `show` is called, the line grows to a panel. Without a
    terminal there are only the messages. A stream that fails, such as a pipe whose reader has gone,
    silences the object. It may be used from several threads.

    Parameters
    ----------
    stream
        Where to write; None for standard output.
    interactive
        Whether the stream is a terminal; None to find out.
    """

    def __init__(self, stream: TextIO | None = None, interactive: bool | None = None) -> None:
        self._stream: TextIO | None = stream or sys.stdout
        self._interactive = is_terminal(self._stream) if interactive is None else interactive
        self._knows_codes = self._interactive and knows_codes(self._stream)
        self._shown = ""
        self._block = Block()
        self._panel: Panel | None = None
        self._newest: Newest | None = None
        self.keys = ""
        """Which keys do what, as the panel tells it; empty for none."""
        # Reentrant, because a signal handler may log while its own thread is writing.
        self._lock = threading.RLock()

    def update(self, iteration: int, loss_a: float, loss_b: float, suffix: str = "") -> None:
        """Rewrite the line, cut to the terminal's width; a panel waits for `show`.

        Without a terminal do nothing.

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
            self._newest = iteration, loss_a, loss_b, suffix
            if self._panel is not None:
                self._panel.add(loss_a, loss_b)
            if not self._block.is_shown:
                self._draw_line(self._newest)

    def show(self, status: "Status") -> None:
        """Draw the panel, about once a second, from the first `update` until `close`.

        A terminal that can't show it, or is too small, keeps the line.

        Parameters
        ----------
        status
            How the run fares.
        """
        with self._lock:
            if self._newest is None or not self._knows_codes:
                return
            if self._panel is None:
                self._panel = _panel(self._stream, self._newest)
            width, height = size()
            if self._panel.fits(width, height):
                line, self._shown = self._erasure(), ""
                self._write(line + self._block.draw(self._panel.lines(status, self.keys, width)))
            elif self._block.is_shown:
                self._write(self._block.clear())
                self._draw_line(self._newest)

    def _draw_line(self, newest: Newest) -> None:
        width = size()[0]
        line = loss_line(*newest)[:width]
        self._write("\r" + line.ljust(min(len(self._shown), width)))
        self._shown = line

    def message(self, text: str, level: int = logging.INFO) -> None:
        """Print whole lines, above those that are rewritten.

        Parameters
        ----------
        text
            What to print.
        level
            One of logging's; from a warning up it is named before the text.
        """
        text = printable(text, "\n\t")
        if level >= logging.WARNING:
            text = f"{logging.getLevelName(level)}: {text}"
        if self._interactive:
            text = wrapped(text, size()[0])
        if level >= logging.WARNING and self._knows_codes and not os.environ.get("NO_COLOR"):
            text = f"{_BOLD_YELLOW}{text.replace(':', f':{_PLAIN}', 1)}"
        with self._lock:
            if self._block.is_shown:
                self._write(self._block.above(text))
            else:
                self._write(f"{self._erasure()}{text}\n{self._shown}")

    def _erasure(self) -> str:
        """What takes the line from the screen."""
        self._shown = self._shown[: size()[0]]
        # Spaces, because not every terminal knows the escape code that clears a line.
        return f"\r{' ' * len(self._shown)}\r" if self._shown else ""

    def close(self) -> None:
        """End the rewritten line, so that what follows starts on a new one.

        A panel leaves its place to such a line. Messages may still follow.
        """
        with self._lock:
            if self._block.is_shown and self._newest is not None:
                self._write(self._block.clear())
                self._draw_line(self._newest)
            if self._shown:
                self._write("\n")
            self._shown, self._newest = "", None

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
        self._console.message(text, record.levelno)


def _panel(stream: TextIO | None, newest: Newest) -> "Panel":
    from lib.logs.panel import Panel  # only here: Rich is for terminals

    panel = Panel(getattr(stream, "encoding", None) or "utf-8")
    panel.add(*newest[1:3])
    return panel


def _silence(stream: TextIO) -> None:
    """Let what a stream has kept, and will get, go nowhere: whoever flushes it would fail too."""
    with suppress(OSError, ValueError), open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), stream.fileno())


def _encodable(text: str, encoding: str) -> str:
    """Text with escapes for what the encoding lacks, such as a file name's odd bytes."""
    return text.encode(encoding, "backslashreplace").decode(encoding)
