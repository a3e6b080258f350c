"""Starts a process for each GPU of this machine, and starts them again where one dies.

The command starts torchrun's agent, which starts and watches the processes: a process each, all of
one command line.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

RESTARTS = 3
"""How often all processes are started again in a run, because one has died."""

STOPPING_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
"""Signals that ask a run to stop."""

EXIT_CODE_FILE = "FACESWAP_EXIT_CODE_FILE"
"""Environment variable: where a process leaves its exit code for the one that started all.

torchrun itself leaves with 1, whatever a process of its own left with, and would start again.
"""


def tell_exit_code(code: int) -> bool:
    """Let the process that started all know what the run ended with.

    Parameters
    ----------
    code
        The exit code.

    Returns
    -------
    bool
        Whether there is one that wants to know.
    """
    path = os.environ.get(EXIT_CODE_FILE)
    if path is None:
        return False
    with suppress(OSError):
        Path(path).write_text(str(code), encoding="ascii")
        return True
    return False


def launch(words: Sequence[str], count: int) -> int:
    """Run this program once for each GPU of this machine, together.

    Parameters
    ----------
    words
        Its command line, without the program's name.
    count
        How many processes.

    Returns
    -------
    int
        Exit code that a process has told; else 0 where the user stopped the run, and that of
        torchrun where not.
    """
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "exit_code"
        code = _run_all(words, count, {**os.environ, EXIT_CODE_FILE: str(told)})
        with suppress(OSError, ValueError):
            return int(told.read_text(encoding="ascii"))
    return code


def _run_all(words: Sequence[str], count: int, environment: dict[str, str]) -> int:
    torchrun = ["--standalone", f"--nproc-per-node={count}", f"--max-restarts={RESTARTS}"]
    # In a session of its own: a terminal's Ctrl-C reaches this process alone, which passes it on.
    with (
        subprocess.Popen(
            [sys.executable, "-m", "lib.training.agent", *torchrun, "-m", "faceswap", *words],
            start_new_session=True,
            env=environment,
        ) as process,
        _passing_on(process) as asked,
    ):
        code = process.wait()
    return 0 if asked else code


@contextmanager
def _passing_on(process: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Context in which signals that stop this process stop the other; gives those that came."""
    asked: list[int] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        asked.append(number)
        # torchrun takes it for the end of all processes, and waits for their last save.
        process.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, pass_on) for number in STOPPING_SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
