import io
import logging
import os
import re
import sys
import threading
import time

import pytest

from lib.logs import console
from lib.logs.console import ConsoleLine, LineAwareHandler, loss_line


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(console.time, "strftime", lambda _: "12:34:56")


def screen(written: str) -> list[str]:
    """Lines that a terminal shows: a return goes back to the first column, text overwrites."""
    lines, column = [""], 0
    for character in written:
        if character == "\r":
            column = 0
        elif character == "\n":
            lines.append("")
            column = 0
        else:
            lines[-1] = lines[-1][:column] + character + lines[-1][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]


def width_written(written: str) -> int:
    return max(len(part) for part in re.split(r"[\r\n]", written))


def test_the_line_is_the_documented_one() -> None:
    assert loss_line(1, 0.123451, 0.5) == "[12:34:56] [#00001] Loss A: 0.12345, Loss B: 0.50000"
    assert loss_line(1234567, 0.1, 0.2, "  0.31 s/it").endswith(
        "[#1234567] Loss A: 0.10000, Loss B: 0.20000  0.31 s/it"
    )


def test_the_time_is_that_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert re.match(r"\[([01]\d|2[0-3]):[0-5]\d:[0-5]\d\] \[#00042\]", loss_line(42, 0, 0))


def test_updates_rewrite_one_line() -> None:
    stream = io.StringIO()
    line = ConsoleLine(stream, interactive=True)
    for iteration in range(1, 4):
        line.update(iteration, 0.1, 0.2)
    assert screen(stream.getvalue()) == ["[12:34:56] [#00003] Loss A: 0.10000, Loss B: 0.20000"]


def test_a_shorter_line_leaves_nothing_of_a_longer_one() -> None:
    stream = io.StringIO()
    line = ConsoleLine(stream, interactive=True)
    line.update(1, 0.1, 0.2, "  a long suffix")
    line.update(2, 0.1, 0.2, "  b")
    assert screen(stream.getvalue()) == ["[12:34:56] [#00002] Loss A: 0.10000, Loss B: 0.20000  b"]


def test_messages_stand_above_the_line() -> None:
    stream = io.StringIO()
    line = ConsoleLine(stream, interactive=True)
    line.message("first")
    line.update(1, 0.1, 0.2)
    line.message("x")
    line.message("two\nlines")
    line.update(2, 0.1, 0.2)
    line.close()
    line.close()
    line.message("end")
    assert screen(stream.getvalue()) == [
        "first",
        "x",
        "two",
        "lines",
        "[12:34:56] [#00002] Loss A: 0.10000, Loss B: 0.20000",
        "end",
        "",
    ]


@pytest.mark.parametrize("width", [1, 20, 40, 53])
def test_the_line_never_fills_the_last_column(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    stream = io.StringIO()
    line = ConsoleLine(stream, interactive=True)
    line.update(1, 0.1, 0.2, "  0.31 s/it")
    stream.seek(0)
    stream.truncate()
    monkeypatch.setenv("COLUMNS", str(width))  # the window was made narrower
    line.update(2, 0.1, 0.2)
    line.message("")
    assert width_written(stream.getvalue()) == width - 1


def test_a_message_after_narrowing_redraws_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    line = ConsoleLine(stream, interactive=True)
    line.update(1, 0.1, 0.2)
    monkeypatch.setenv("COLUMNS", "21")
    line.message("saved")
    assert stream.getvalue().endswith("\r" + " " * 20 + "\rsaved\n[12:34:56] [#00001] ")


def test_without_a_terminal_only_messages_are_printed() -> None:
    stream = io.StringIO()
    line = ConsoleLine(stream)  # a StringIO is no terminal
    line.update(1, 0.1, 0.2)
    line.message("saved")
    line.update(2, 0.1, 0.2)
    line.close()
    assert stream.getvalue() == "saved\n"


def test_a_terminal_is_recognised() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    ConsoleLine(stream).update(1, 0.1, 0.2)
    assert "#00001" in stream.getvalue()


def test_the_stream_is_standard_output_where_none_is_given(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ConsoleLine().message("saved")
    assert capsys.readouterr().out == "saved\n"


def test_no_standard_output_at_all_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    line = ConsoleLine()
    line.update(1, 0.1, 0.2)
    line.message("saved")
    monkeypatch.undo()
    line.message("still nowhere")


def test_a_closed_stream_silences_the_line() -> None:
    stream = io.StringIO()
    stream.close()
    for interactive in (None, True):
        line = ConsoleLine(stream, interactive)
        line.message("saved")
        line.update(1, 0.1, 0.2)
        line.close()


def test_a_reader_that_has_gone_silences_the_line() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"nobody hears")
    stream = os.fdopen(writer, "w")
    line = ConsoleLine(stream, interactive=True)
    line.update(1, 0.1, 0.2)
    line.message("saved")
    stream.close()  # does not fail of what it has kept


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is full")
def test_a_full_disk_silences_the_line_and_nobody_fails_of_it_later() -> None:
    with open("/dev/full", "w", encoding="utf-8") as stream:
        line = ConsoleLine(stream, interactive=True)
        line.update(1, 0.5, 0.5)
        line.message("lost")
        stream.flush()


def test_a_message_from_within_a_write_is_lost_not_fatal() -> None:
    class Busy(io.StringIO):
        def flush(self) -> None:
            raise RuntimeError("reentrant call inside <_io.BufferedWriter>")

    stream = Busy()
    line = ConsoleLine(stream, interactive=False)
    line.message("one")
    line.message("two")
    assert stream.getvalue() == "one\ntwo\n"


def test_characters_that_the_stream_lacks_are_escaped() -> None:
    buffer = io.BytesIO()
    with io.TextIOWrapper(buffer, encoding="ascii", newline="\n") as stream:
        ConsoleLine(stream, interactive=False).message("caf\xe9 \udcff")
        assert buffer.getvalue() == b"caf\\xe9 \\udcff\n"


def test_threads_do_not_tear_each_other_apart() -> None:
    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            for character in text:
                super().write(character)
                time.sleep(0)  # lets the other thread in
            return len(text)

    stream = Slow()
    line = ConsoleLine(stream, interactive=True)

    def work(name: str) -> None:
        for number in range(10):
            line.update(number, 0.1, 0.2)
            line.message(f"{name}{number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = screen(stream.getvalue())
    assert sorted(shown[:-1]) == sorted(f"{name}{n}" for name in "ab" for n in range(10))


@pytest.fixture
def logged() -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    line = ConsoleLine(stream, interactive=True)
    line.update(1, 0.1, 0.2)
    logger = logging.Logger("apart from the others", logging.INFO)
    logger.addHandler(LineAwareHandler(line))
    return logger, stream


def test_records_go_above_the_line_with_the_level_from_warning_up(
    logged: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, stream = logged
    logger.info("found %d faces", 30)
    logger.warning("few faces")
    logger.error("no faces")
    assert screen(stream.getvalue()) == [
        "found 30 faces",
        "WARNING: few faces",
        "ERROR: no faces",
        "[12:34:56] [#00001] Loss A: 0.10000, Loss B: 0.20000",
    ]


def test_the_usual_set_up_of_logging_adds_nothing_to_the_text() -> None:
    stream = io.StringIO()
    handler = LineAwareHandler(ConsoleLine(stream, interactive=False))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
        logging.getLogger("lib.data").info("found 30 faces")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert stream.getvalue() == "found 30 faces\n"


def test_a_record_with_wrong_arguments_is_reported_as_usual(
    logged: tuple[logging.Logger, io.StringIO], capsys: pytest.CaptureFixture[str]
) -> None:
    logger, stream = logged
    logger.info("%d faces", "many")
    assert "Logging error" in capsys.readouterr().err
    assert "faces" not in stream.getvalue()
