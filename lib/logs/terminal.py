"""What a terminal can do, and a block of lines at its end that is drawn in place."""

import os
import shutil
import sys
import textwrap
from typing import TextIO

Line = tuple[str, int]
"""A line with codes for colours, and how many columns it takes."""

_NARROWEST = 20


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody watches the stream, and it can be drawn on."""
    try:
        return stream is not None and stream.isatty() and not in_notebook()
    except ValueError:  # it is closed
        return False


def in_notebook() -> bool:
    """Whether a notebook's cell runs this process.

    It pretends to be a terminal to ``!commands``, but keeps all that they ever wrote.
    """
    return "JPY_PARENT_PID" in os.environ or "inline" in os.environ.get("MPLBACKEND", "")


def knows_codes(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal that follows the codes that move its cursor."""
    if not is_terminal(stream) or os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return False
    if sys.platform != "win32":
        return True
    from rich.console import detect_legacy_windows  # only where it is needed

    return not detect_legacy_windows()


def size() -> tuple[int, int]:
    """Columns and rows to write to: all but the last column, since many terminals wrap there."""
    columns, rows = shutil.get_terminal_size()
    return max(0, columns - 1), rows


def wrapped(text: str, width: int) -> str:
    """Text with its lines broken between words; a path is left to the terminal to break."""
    if width < _NARROWEST:
        return text
    lines = (
        textwrap.fill(
            line,
            width,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
        )
        for line in text.split("\n")
    )
    return "\n".join(lines)


class Block:
    """Lines at the end of a terminal that are drawn in place."""

    def __init__(self) -> None:
        self._lines: list[Line] = []

    @property
    def is_shown(self) -> bool:
        """Whether there are any."""
        return bool(self._lines)

    def draw(self, lines: list[Line]) -> str:
        """Codes that put lines in the place of the last ones."""
        back, self._lines = self._to_start(), lines
        # Each line clears its own rest, so that nothing flickers.
        return back + "\x1b[K\n".join(text for text, _ in lines) + "\x1b[J"

    def clear(self) -> str:
        """Codes that take the lines away."""
        back, self._lines = self._to_start(), []
        return back + "\x1b[J" if back else ""

    def above(self, text: str) -> str:
        """Codes that put whole lines above them."""
        lines = self._lines
        return f"{self.clear()}{text}\n{self.draw(lines)}"

    def _to_start(self) -> str:
        """Codes that go to the first line: in a window made narrower, lines take several rows."""
        if not self._lines:
            return ""
        columns = size()[0] + 1
        rows = sum(max(1, -(-wide // columns)) for _, wide in self._lines)
        return "\r" + (f"\x1b[{rows - 1}A" if rows > 1 else "")
