"""Processes that train one model together, and what becomes of the run where one of them dies."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.folder_lock import FolderLock

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"
# Two GPUs are only said to be there: the processes find none, and take the CPU.
COMMAND = [
    sys.executable,
    "-c",
    """
import sys, torch
torch.cuda.device_count = lambda: 2
from faceswap.cli import main
sys.exit(main())
""",
]
TORCHRUN = [
    *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
]
SECONDS = 240

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc"),
]


Start = Callable[..., "Together"]


class Together:
    """Processes that torchrun started, as one run."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.folder = folder
        self._output = folder.with_name("printed.txt")
        with self._output.open("a") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

    @property
    def printed(self) -> str:
        return self._output.read_text(errors="replace")

    @property
    def iterations(self) -> int:
        path = self.folder / "tiny_state.json"
        return json.loads(path.read_text())["iterations"] if path.exists() else 0

    def pids(self, rank: int | None = None) -> list[int]:
        """Those of all its processes, or of the one of a rank."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_text(errors="replace")
                environment = (folder / "environ").read_text(errors="replace").split("\0")
                is_it = rank is None or f"RANK={rank}" in environment
                if str(self.folder) in words and is_it:
                    found.append(int(folder.name))
        return found

    def until(self, is_so: Callable[[], object]) -> None:
        end = time.monotonic() + SECONDS
        while not is_so():
            assert self.process.poll() is None, self.printed
            assert time.monotonic() < end, self.printed
            time.sleep(0.005)

    def kill(self, rank: int) -> None:
        (pid,) = self.pids(rank)
        os.kill(pid, signal.SIGKILL)

    def wait(self, seconds: float = SECONDS) -> int:
        return self.process.wait(seconds)

    def lines(self, word: str) -> list[str]:
        return [line for line in self.printed.splitlines() if word in line]


@pytest.fixture
def start(rendered: dict[str, Path], tmp_path: Path) -> Iterator[Start]:
    runs: list[Together] = []

    def make(*more: str, command: list[str] = COMMAND) -> Together:
        folder = tmp_path / "model"
        words = [
            *("train", "-A", str(rendered["a"]), "-B", str(rendered["b"]), "-b", "3", "-d", "-n"),
            *("-m", str(folder), "-t", "tiny", "--plugin-dir", str(PLUGINS), *more),
        ]
        runs.append(Together([*command, *words], folder))
        return runs[-1]

    yield make
    for run in runs:
        for pid in (run.process.pid, *run.pids()):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        run.process.wait()


@pytest.mark.parametrize("rank", [0, 1])
def test_all_start_again_where_one_is_killed_and_the_end_stays_where_it_was(
    start: Start, rank: int
) -> None:
    run = start("-it", "120", "-s", "5")
    run.until(lambda: run.iterations >= 10)
    run.kill(rank)
    assert run.wait() == 0, run.printed
    assert run.iterations == 120
    assert "Stopped at iteration 120" in run.printed
    assert len(run.lines("error: another process of this run has ended")) == 1, run.printed
    assert len(run.lines("Started again")) == 1
    assert "Traceback" not in run.printed
    is_left_in_order(run)


def test_one_that_is_killed_while_it_saves_leaves_the_save_before(start: Start) -> None:
    run = start("-it", "60", "-s", "1")
    run.until(lambda: run.iterations >= 10 and is_saving(run.folder))
    run.kill(0)
    assert run.wait() == 0, run.printed
    assert run.iterations == 60
    is_left_in_order(run)


def is_saving(folder: Path) -> bool:
    return any((folder / "tiny_saves").glob(".partial-*"))


def test_one_that_dies_again_and_again_ends_the_run(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOOMED", "1 3")
    run = start("-it", "100", "-t", "doomed", "--plugin-dir", str(PLUGINS.with_name("faulty")))
    assert run.wait() == 1, run.printed
    assert len(run.lines("Started again")) == 3, run.printed
    assert run.lines("faceswap: error: ")[-1].endswith("ended with exit code 1, see above")
    is_left_in_order(run)


@pytest.mark.parametrize("rank", [0, 1])
def test_without_restarts_the_run_ends_at_once_and_the_next_goes_on(
    start: Start, rank: int
) -> None:
    run = start("-it", "100000", "-s", "5", command=[*TORCHRUN, "-m", "faceswap"])
    run.until(lambda: run.iterations >= 10)
    run.kill(rank)
    assert run.wait(20) == 1, run.printed
    assert len(run.lines("faceswap: error: another process")) == 1, run.printed
    is_left_in_order(run)
    saved = run.iterations
    again = start("-it", "5", command=[*TORCHRUN, "-m", "faceswap"])
    assert again.wait() == 0, again.printed
    assert again.iterations == saved + 5


def test_a_mistake_is_told_once_and_not_tried_again(start: Start, tmp_path: Path) -> None:
    torchrun = [*TORCHRUN, "--max-restarts=2", "-m", "faceswap"]
    run = start("-A", str(tmp_path / "nowhere"), command=torchrun)
    assert run.wait() == 1, run.printed
    assert len(run.lines("faceswap: error: ")) == 1, run.printed
    assert "nowhere" in run.lines("faceswap: error: ")[0]


@pytest.mark.parametrize("command", [COMMAND, [*TORCHRUN, "-m", "faceswap"]], ids=["ours", "torch"])
def test_where_what_started_them_is_killed_they_save_and_end(
    start: Start, command: list[str]
) -> None:
    run = start("-s", "100000", command=command)
    run.until(lambda: run.iterations >= 1)
    run.process.kill()
    run.wait()
    end = time.monotonic() + 30
    while run.pids() and time.monotonic() < end:
        time.sleep(0.1)
    assert "Stopped at iteration" in run.printed
    is_left_in_order(run)


def is_left_in_order(run: Together) -> None:
    """No process is left, and the folder is free."""
    assert not run.pids()
    with FolderLock(run.folder):
        pass
