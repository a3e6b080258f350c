import io
import logging
import re
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from lib.live.status import Status
from lib.logs.console import ConsoleLine
from lib.logs.terminal import Block

STATUS = Status(
    state="training",
    plugin="compact",
    iteration=1234,
    end=5000,
    rate=5.0,
    waiting=0.03,
    next_save=1300,
    started=1000.0,
)


class Screen(io.StringIO):
    """A terminal with endless rows, as far as it is used here; text beyond its edge wraps."""

    def __init__(self, columns: int, encoding: str = "utf-8") -> None:
        super().__init__()
        self.columns = columns
        self.encoding_told = encoding
        self.cells: list[list[str]] = [[]]
        self.row = 0

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.encoding_told

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        super().write(text)
        for code in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|.", text, re.DOTALL):
            self._take(code)
        return len(text)

    def _take(self, code: str) -> None:
        if code == "\r":
            self.column = 0
        elif code == "\n":
            self.row += 1
            self.column = 0
            if self.row == len(self.cells):
                self.cells.append([])
        elif code[0] != "\x1b":
            assert self.column < self.columns, "no line reaches the edge"
            line = self.cells[self.row]
            line[self.column :] = [code, *line[self.column + 1 :]]
            self.column += 1
        elif code[-1] == "A":
            self.row -= int(code[2:-1])
        elif code[-1] in "KJ":
            del self.cells[self.row][self.column :]
            if code[-1] == "J":
                del self.cells[self.row + 1 :]
        else:
            assert code[-1] == "m", code

    column = 0

    @property
    def lines(self) -> list[str]:
        return ["".join(line).rstrip() for line in self.cells]


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COLUMNS": "80", "LINES": "40", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR", "JPY_PARENT_PID", "MPLBACKEND"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setattr(time, "time", lambda: 1000.0 + 3725)
    return Screen(80)


def test_the_panel_tells_how_the_run_fares(screen: Screen) -> None:
    console = ConsoleLine(screen)
    console.keys = "Enter saves and stops"
    console.show(STATUS)
    assert screen.lines == [""]  # there is nothing to tell yet
    for iteration in range(1, 4):
        console.update(iteration, 0.5 / iteration, 0.25)
        console.show(STATUS)
    title, heads, side_a, side_b, bar, count, pace, keys = screen.lines
    assert title.startswith("compact: training ─")
    assert heads.split() == ["Loss", "newest", "smoothed", "5", "min", "run"]
    assert side_a.split()[:2] == ["A", "0.16667"]
    assert side_b.split()[:3] == ["B", "0.25000", "0.25000"]
    assert set(bar) <= set("━╸╺")
    assert count == "1,234 of 5,000 (25%), 1 h 2 min so far, save in 13 s, end in 12 min 33 s"
    assert pace == "5.0 it/s, 3% waiting for data"
    assert keys == "Enter saves and stops"


def test_a_run_without_an_end_in_sight_has_no_bar(screen: Screen) -> None:
    console = ConsoleLine(screen)
    console.update(1, 0.5, 0.25)
    console.show(replace(STATUS, end=STATUS.begin + 1_000_000))
    assert not any("━" in line for line in screen.lines)
    assert screen.lines[-2] == "Iteration 1,234, 1 h 2 min so far, save in 13 s"


def test_the_newest_loss_is_smoothed_over_half_a_minute(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    console = ConsoleLine(screen)
    console.update(1, 1.0, 1.0)
    console.show(STATUS)
    now = 30.0
    console.update(2, 0.0, float("nan"))
    console.show(STATUS)
    side_a, side_b = (line.split() for line in screen.lines[2:4])
    assert side_a[1:3] == ["0.00000", "0.36788"]  # 1 / e
    assert side_b[1:3] == ["nan", "1.00000"]


def test_a_line_gives_way_to_the_panel_and_the_panel_to_a_line(screen: Screen) -> None:
    console = ConsoleLine(screen)
    console.message("first")
    console.update(1, 0.1, 0.2, "  a suffix")
    console.message("second")
    console.show(STATUS)
    console.update(2, 0.1, 0.2)
    console.message("two\nlines")
    console.show(replace(STATUS, rate=None))
    assert screen.lines[:5] == ["first", "second", "two", "lines", screen.lines[4]]
    assert screen.lines[4].startswith("compact")
    assert len(screen.lines) == 4 + 7
    console.close()
    console.show(STATUS)  # the run still writes its save
    console.message("saved")
    assert screen.lines[:4] == ["first", "second", "two", "lines"]
    assert re.fullmatch(r"\[.*\] \[#00002\] Loss A: 0.10000, Loss B: 0.20000", screen.lines[4])
    assert screen.lines[5:] == ["saved", ""]
    assert "?25" not in screen.getvalue()  # a cursor that is never hidden need not be shown again


@pytest.mark.parametrize("width", [40, 41, 57, 80, 200])
def test_the_panel_fits_the_terminal(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    screen.columns = width - 1  # its screen fails where a line is longer
    console = ConsoleLine(screen)
    for iteration in range(400):
        console.update(iteration, 0.1, 0.2)
        if iteration % 100 == 0:
            console.show(replace(STATUS, iteration=iteration * 10**5, end=10**8, rate=0.01))


@pytest.mark.parametrize(
    "setting",
    [{"TERM": "dumb"}, {"COLUMNS": "39"}, {"LINES": "11"}],
    ids=["dumb", "narrow", "low"],
)
def test_a_terminal_that_can_not_show_it_keeps_the_line(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, setting: dict[str, str]
) -> None:
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    console = ConsoleLine(screen)
    console.update(1, 0.1, 0.2)
    console.show(STATUS)
    assert "\x1b" not in screen.getvalue()
    assert len(screen.lines) == 1
    assert "#00001" in screen.lines[0]


def test_a_window_made_too_narrow_gets_the_line_and_a_wide_one_the_panel_again(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = ConsoleLine(screen)
    console.update(1, 0.1, 0.2)
    for columns, is_panel in ((80, True), (30, False), (80, True)):
        monkeypatch.setenv("COLUMNS", str(columns))
        # As terminals do it, though this screen moves no text.
        monkeypatch.setattr(Block, "_to_start", lambda block: _up(screen, block))
        console.show(STATUS)
        assert screen.lines[0].startswith("compact" if is_panel else "[")
        assert (len(screen.lines) > 1) is is_panel


def _up(screen: Screen, block: Block) -> str:
    return f"\r\x1b[{screen.row}A" if screen.row and block.is_shown else "\r"


def test_lines_that_a_narrower_window_breaks_are_found_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    block = Block()
    block.draw([("x" * 79, 79), ("", 0), ("y" * 20, 20)])
    monkeypatch.setenv("COLUMNS", "40")
    assert block.clear() == "\r\x1b[3A\x1b[J"  # 2 + 1 + 1 rows, the cursor is in the last


@pytest.mark.parametrize("is_coloured", [True, False])
def test_colours_are_left_out_where_they_are_not_wanted(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, is_coloured: bool
) -> None:
    if not is_coloured:
        monkeypatch.setenv("NO_COLOR", "1")
    console = ConsoleLine(screen)
    console.update(1, 0.1, 0.2)
    console.show(STATUS)
    console.message("few faces", logging.WARNING)
    colours = re.findall(r"\x1b\[(?:\d+;)*(?:3[0-8]|9\d)[;\dm]", screen.getvalue())
    assert bool(colours) is is_coloured
    assert screen.lines[0] == "WARNING: few faces"


def test_encodings_without_block_characters_get_others() -> None:
    screen = Screen(80, "ascii")
    console = ConsoleLine(screen)
    for iteration in range(3):
        console.update(iteration, 0.1 + iteration, 0.2)
        console.show(STATUS)
    assert "".join(screen.lines).isascii()
    assert "\\u" not in screen.getvalue()


def test_long_messages_break_between_words(screen: Screen) -> None:
    path, wide = "/a/" + "long/" * 20, Screen(200)
    ConsoleLine(wide).message(path)
    assert wide.lines == [path, ""]
    ConsoleLine(screen).message("word " * 20 + "\n  kept  as  it is")
    first, second = ("word " * count for count in (16, 4))
    assert screen.lines == [first.strip(), f"  {second}".rstrip(), "  kept  as  it is", ""]


def test_a_notebook_gets_plain_lines(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells pretend to be terminals."""
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    console = ConsoleLine(screen)
    console.update(1, 0.1, 0.2)
    console.show(STATUS)
    console.message("saved", logging.WARNING)
    assert screen.getvalue() == "WARNING: saved\n"


def test_rich_is_loaded_for_a_panel_alone() -> None:
    code = (
        "import io, sys; from lib.logs.console import ConsoleLine\n"
        "line = ConsoleLine(io.StringIO(), interactive=True)\n"
        "line.update(1, 0.1, 0.2); line.message('x', 30); line.show(None)\n"
        "assert not any(name.split('.')[0] in ('rich', 'torch') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
