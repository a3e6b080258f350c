"""Several processes that train one model together, each with a GPU and batches of its own.

PyTorch starts them (``torchrun``) and averages their gradients (`DistributedDataParallel`); here is
what the program has to know about itself. The processes differ in what they are fed and in that
the first alone writes, shows and decides.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch
import torch.distributed as dist

from lib.errors import FaceswapError, ToldElsewhereError
from lib.training.device import device

STOPPING_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
"""Signals that ask a run to stop."""

EXIT_CODE_FILE = "FACESWAP_EXIT_CODE_FILE"
"""Environment variable: where the first process leaves its exit code for the one that started all.

torchrun itself leaves with 1, whatever a process of its own left with.
"""


@dataclass(frozen=True)
class World:
    """The processes that train together.

    Attributes
    ----------
    rank
        Number of this one, from 0.
    size
        How many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes and decides for all."""
        return self.rank == 0

    def agree(self, stop: bool) -> bool:
        """What the first process says; all of them have to ask at the same iteration."""
        if self.size == 1:
            return stop
        # On a GPU this waits for it; a byte an iteration, and only where there are several.
        said = torch.tensor([stop], dtype=torch.uint8, device=device())
        dist.broadcast(said, src=0)
        return bool(said.item())

    def share(self, text: str) -> str:
        """What the first process says, in words; all of them have to ask at the same iteration."""
        if self.size == 1:
            return text
        data = torch.tensor(list(text.encode()), dtype=torch.uint8, device=device())
        length = torch.tensor([len(data)], device=device())
        dist.broadcast(length, src=0)
        data = data if self.is_first else data.new_empty(int(length.item()))
        dist.broadcast(data, src=0)
        return bytes(data.tolist()).decode()

    def lead(self, work: Callable[[], None]) -> None:
        """Do something in the first process alone, while the others wait for it.

        Parameters
        ----------
        work
            What to do.

        Raises
        ------
        ToldElsewhereError
            It failed; in the other processes. In the first its own error goes on.
        """
        try:
            if self.is_first:
                work()
        except Exception as error:
            self.share(str(_exit_code(error)))
            raise
        if code := int(self.share("0")):
            raise ToldElsewhereError(code)

    def share_values(self, values: Sequence[torch.Tensor]) -> None:
        """Give all processes the first one's values, in place."""
        if self.size > 1:
            for value in values:
                dist.broadcast(value.detach(), src=0)


ALONE = World()
"""A process that trains by itself."""


def is_launched() -> bool:
    """Whether this process is one of those that ``torchrun`` started."""
    return "LOCAL_RANK" in os.environ and "WORLD_SIZE" in os.environ


def join() -> World:
    """Meet the other processes.

    Raises
    ------
    FaceswapError
        They can't be reached.
    """
    if not is_launched():
        return ALONE
    backend = "nccl" if device().type == "cuda" else "gloo"
    try:
        dist.init_process_group(backend)
    except (RuntimeError, ValueError) as error:
        raise FaceswapError(
            f"--distributed: the other processes can't be reached ({error}): see torchrun --help"
        ) from error
    return World(dist.get_rank(), dist.get_world_size())


def leave() -> None:
    """Part from the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


def tell_exit_code(error: Exception) -> None:
    """Let the process that started all know what the first leaves with."""
    if path := os.environ.get(EXIT_CODE_FILE):
        with suppress(OSError):
            Path(path).write_text(str(_exit_code(error)), encoding="ascii")


def _exit_code(error: Exception) -> int:
    return error.exit_code if isinstance(error, FaceswapError) else FaceswapError.exit_code


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
        Exit code of the first process, where it told it; else 0 where the user stopped it, and
        that of torchrun where not.
    """
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "exit_code"
        code = _run_all(words, count, {**os.environ, EXIT_CODE_FILE: str(told)})
        with suppress(OSError, ValueError):
            return int(told.read_text(encoding="ascii"))
    return code


def _run_all(words: Sequence[str], count: int, environment: dict[str, str]) -> int:
    torchrun = ["torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    # In a session of its own: a terminal's Ctrl-C reaches this process alone, which passes it on.
    with (
        subprocess.Popen(
            [sys.executable, "-m", *torchrun, "-m", "faceswap", *words],
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
