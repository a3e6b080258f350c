"""Two runs at once, signals of all kinds, and streams that are closed or lead nowhere."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

TINY = Path(__file__).parents[1] / "fixtures" / "plugins" / "tiny.py"
SLOW = """

import time
from lib.checkpoint import random_state

write, written = random_state.write, []

def write_slowly(path, arrays):
    written.append(path)
    time.sleep(60 if len(written) > 1 else 0)
    write(path, arrays)

random_state.write = write_slowly
"""


def is_saved(run) -> bool:
    return "Saved at iteration" in run.printed


def iterations(model: Path) -> int:
    newest = max((model / "tiny_saves").glob("0*"))
    return int(newest.name.partition("_")[2])


def test_one_run_at_a_time_in_a_folder_and_a_killed_one_is_in_nobodys_way(train: Callable) -> None:
    first = train("-s", "50")
    first.until(lambda: is_saved(first))
    first.send(signal.SIGSTOP)  # as Ctrl-Z does
    # What `train` starts comes one after the other, so this one is started otherwise.
    second = subprocess.run(command(first), capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert re.fullmatch(
        rf"faceswap: error: model folder '.*' is in use by process {first.pid} on '.*' since .*: "
        r"wait for its end, stop it, or name another folder with -m\n",
        second.stderr,
    )
    first.send(signal.SIGCONT)
    before = first.printed
    first.until(lambda: first.printed != before)
    first.send(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    third = train("-it", "1")
    assert third.wait() == 0, third.printed
    assert "resumed at iteration" in third.printed


def command(run) -> list[str]:
    """The command line of a run, as a process of its own takes it."""
    return [sys.executable, "-m", "faceswap", *run.argv]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_stops(train: Callable, tmp_path: Path, number: int) -> None:
    run = train("-s", "100000")
    run.until(lambda: is_saved(run))
    time.sleep(0.2)
    run.send(number)
    assert run.wait() == 0, run.printed
    stopped = re.search(r"Stopped at iteration ([\d,]+);", run.printed)
    assert int(stopped[1].replace(",", "")) == iterations(tmp_path / "model") > 1


def test_a_second_signal_in_the_middle_of_a_save_leaves_at_once(
    train: Callable, tmp_path: Path
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "tiny.py").write_text(TINY.read_text() + SLOW)
    saves = tmp_path / "model" / "tiny_saves"
    run = train("-s", "5", "--plugin-dir", str(tmp_path / "plugins"))
    run.until(lambda: is_saved(run) and list(saves.glob(".partial-*/state.json")))
    run.send(signal.SIGINT)
    time.sleep(1.3)
    assert run.is_alive, "the save that is being written is not waited for"
    run.send(signal.SIGINT)
    begun = time.monotonic()
    assert run.wait() == 128 + signal.SIGINT
    assert time.monotonic() - begun < 5
    assert "Left at once" in run.printed
    assert iterations(tmp_path / "model") == 1
    again = train("-it", "2")
    assert again.wait() == 0, again.printed
    assert "resumed at iteration 1," in again.printed
    assert [path.name for path in saves.glob(".*")] == []


def test_it_trains_with_its_output_closed(train: Callable, tmp_path: Path) -> None:
    run = train("-it", "3")
    assert run.wait() == 0, run.printed
    shell = " ".join(f"'{word}'" for word in command(run)) + " >&- 2>&- <&-"
    assert subprocess.run(shell, shell=True).returncode == 0
    assert iterations(tmp_path / "model") == 6


def test_it_trains_without_a_terminal_for_a_reader_that_has_gone(
    train: Callable, tmp_path: Path
) -> None:
    run = train("-it", "3")
    assert run.wait() == 0, run.printed
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        command(run),
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    os.close(writer)
    assert process.communicate()[1] == ""
    assert process.returncode == 0
    assert iterations(tmp_path / "model") == 6
