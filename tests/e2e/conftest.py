"""Training runs as processes of their own, to be signalled and killed."""

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

ROOT = Path(__file__).parents[2]
FORKS = ROOT / "tests" / "fixtures" / "forks.py"
PLUGINS = ROOT / "tests" / "fixtures" / "plugins"


class Run:
    """One training run."""

    def __init__(self, forks: subprocess.Popen, argv: list[str], output: Path) -> None:
        self.argv = argv
        self._forks = forks
        self._output = output
        self._code: int | None = None
        forks.stdin.write(json.dumps({"argv": argv, "output": str(output)}) + "\n")
        forks.stdin.flush()
        self.pid = int(forks.stdout.readline())

    @property
    def printed(self) -> str:
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    @property
    def is_alive(self) -> bool:
        """Whether it runs; one that has ended and was not waited for does not."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def until(self, is_so: Callable[[], object], seconds: float = 60) -> None:
        """Wait for something to come true while the run goes on."""
        end = time.monotonic() + seconds
        while not is_so():
            assert self.is_alive, self.printed
            assert time.monotonic() < end, self.printed
            time.sleep(0.001)

    def send(self, number: int) -> None:
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self) -> int:
        """Exit code, or less than 0 the signal that it died of."""
        if self._code is None:
            self._code = int(self._forks.stdout.readline())
        return self._code


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(
        [sys.executable, str(FORKS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
            "XDG_CONFIG_HOME": str(tmp_path_factory.mktemp("home")),
        },
    )
    yield process
    process.stdin.close()
    process.stdout.close()
    process.wait()


@pytest.fixture
def train(
    forks: subprocess.Popen, rendered: dict[str, Path], tmp_path: Path
) -> Iterator[Callable[..., Run]]:
    """Start ``faceswap train`` with the tiny model, if nothing else is said."""
    if not hasattr(os, "fork") or not Path("/proc/self/stat").exists():
        pytest.skip("runs are forked and watched in /proc, which this system has not")
    runs: list[Run] = []

    def start(*more: str) -> Run:
        argv = [
            *("train", "-A", str(rendered["a"]), "-B", str(rendered["b"]), "-b", "4"),
            *("-m", str(tmp_path / "model"), "-t", "tiny", "--plugin-dir", str(PLUGINS), *more),
        ]
        runs.append(Run(forks, argv, tmp_path / f"printed_{len(runs)}.txt"))
        return runs[-1]

    yield start
    for run in runs:
        run.send(signal.SIGKILL)
        run.wait()
