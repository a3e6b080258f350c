"""Several processes that train one model together, each with a GPU and batches of its own.

PyTorch starts them (``torchrun``) and averages their gradients (`DistributedDataParallel`); here is
what the program has to know about itself. The processes differ in what they are fed and in that
the first alone writes, shows and decides. What they tell one another goes from computer memory to
computer memory (gloo), so that no word waits for a GPU; gradients go from GPU to GPU (NCCL).
"""

import gc
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.distributed as dist

from lib.device import device
from lib.errors import FaceswapError, ToldElsewhereError
from lib.training.launch import tell_exit_code
from lib.training.notes import notes

_SETTLED, _END = "exit_code", "end"
_PARENT = os.getppid()
_PART = 2**24


class UnreachableError(FaceswapError):
    """The other processes of a run have not come; torchrun may start all of them again."""


class World:
    """The processes that train together.

    Parameters
    ----------
    rank
        Number of this one, from 0, the first.
    size
        How many there are.
    source
        PyTorch's number of the first.
    is_restart
        Whether earlier processes of this run have trained, and torchrun has started it again.

    Attributes
    ----------
    stops : bool
        Whether they have agreed to stop.
    """

    def __init__(
        self, rank: int = 0, size: int = 1, source: int = 0, *, is_restart: bool = False
    ) -> None:
        self.rank = rank
        self.size = size
        self.is_restart = is_restart
        self.stops = False
        self._source = source
        self._is_asked = False

    @property
    def is_first(self) -> bool:
        """Whether this process writes and decides for all."""
        return self.rank == 0

    def ask_to_stop(self) -> None:
        """Ask all to stop, once they next agree; a process that is alone stops at once."""
        self._is_asked = True
        self.stops |= self.size == 1

    def agree(self, wish: bool) -> bool:
        """Whether any of them wishes something; all of them have to ask at the same iteration.

        Whether any has asked to stop is told with it. One that has died can agree to nothing: the
        others then never take the signal by which torchrun ends them for the user's.
        """
        if self.size == 1:
            return wish
        said = torch.tensor([wish, self._is_asked], dtype=torch.uint8)
        dist.all_reduce(said, op=dist.ReduceOp.MAX)
        wished, self.stops = map(bool, said.tolist())
        return wished

    def share(self, text: str) -> str:
        """What the first process says, in words; all of them have to ask at the same iteration."""
        if self.size == 1:
            return text
        data = bytearray(text.encode())
        length = self._firsts(len(data))
        if not self.is_first:
            data = bytearray(length)
        if length:
            self._share_buffer(data)
        return data.decode()

    def share_file(self, path: Path) -> None:
        """Write the first process's file in all others, a part at a time; models are large.

        Parameters
        ----------
        path
            The file; in the others one to be written, whose folder is made where it is missing.

        Raises
        ------
        FaceswapError
            The operating system refused, for instance because the disk is full.
        """
        if self.size == 1:
            return
        try:
            self._send_file(path) if self.is_first else self._receive_file(path)
        except OSError as error:
            raise self._refused(path, error) from error

    def _send_file(self, path: Path) -> None:
        length = self._firsts(path.stat().st_size)
        with path.open("rb") as file:
            for start in range(0, length, _PART):
                part = bytearray(file.read(min(_PART, length - start)))
                if len(part) < min(_PART, length - start):
                    raise FaceswapError(f"'{path}' was cut off while it was read: start again")
                self._share_buffer(part)

    def _receive_file(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        length = self._firsts(0)
        with path.open("wb") as file:
            for start in range(0, length, _PART):
                part = bytearray(min(_PART, length - start))
                self._share_buffer(part)
                file.write(part)

    def _refused(self, path: Path, error: OSError) -> FaceswapError:
        done, advice = "written", "free some room, or name another folder in TMPDIR"
        if self.is_first:
            done, advice = "read", "see to its permissions and its disk, and start again"
        return FaceswapError(f"'{path}' can't be {done}: {error.strerror or error}; {advice}")

    def _firsts(self, number: int) -> int:
        """A number of the first process."""
        told = torch.tensor([number])
        dist.broadcast(told, src=self._source)
        return int(told.item())

    def _share_buffer(self, buffer: bytearray) -> None:
        """Fill a buffer with what the first process's holds."""
        dist.broadcast(torch.frombuffer(buffer, dtype=torch.uint8), src=self._source)

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
                dist.broadcast(value.detach(), src=self._source)

    def gather(self, number: int) -> list[int]:
        """A number of each process, in PyTorch's order."""
        if self.size == 1:
            return [number]
        numbers = torch.zeros(self.size, dtype=torch.int64)
        numbers[dist.get_rank()] = number
        dist.all_reduce(numbers)
        return [int(one) for one in numbers.tolist()]

    def led_by(self, source: int) -> "World":
        """The same processes, with another one as the first.

        Parameters
        ----------
        source
            PyTorch's number of it.
        """
        rank = (self.rank + self._source - source) % self.size
        return World(rank, self.size, source, is_restart=self.is_restart)


ALONE = World()
"""A process that trains by itself."""


def is_launched() -> bool:
    """Whether this process is one of those that ``torchrun`` started."""
    return "LOCAL_RANK" in os.environ and "WORLD_SIZE" in os.environ


def is_orphaned() -> bool:
    """Whether ``torchrun`` started this process, and has ended."""
    return is_launched() and os.getppid() != _PARENT


def join() -> World:
    """Meet the other processes.

    Raises
    ------
    UnreachableError
    ToldElsewhereError
        This run had come to its end, and torchrun started it again nevertheless.
    """
    if not is_launched():
        return World()
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    backend = "cpu:gloo,cuda:nccl" if device().type == "cuda" else "gloo"
    try:
        if code := notes().get(_SETTLED):
            raise ToldElsewhereError(int(code))
        is_restart = notes().get(_END) is not None  # before any other process goes on
        store = notes().meeting_place(rank, size)
        dist.init_process_group(backend, store=store, rank=rank, world_size=size)
    except (RuntimeError, ValueError) as error:
        raise UnreachableError(
            f"--distributed: the other processes can't be reached ({_first_line(error)}): see "
            "torchrun --help"
        ) from error
    return World(rank, size, is_restart=is_restart)


def leave() -> None:
    """Part from the other processes, at the end of a run that went well; its model must be gone."""
    if dist.is_initialized():
        # PyTorch may wait for ever where a model outlives the processes' group.
        gc.collect()
        dist.destroy_process_group()


def lasting_end(iteration: int) -> int:
    """The iteration at which the run is to end, which restarts do not move.

    Parameters
    ----------
    iteration
        Where it is to end if it has not been settled by earlier processes of the run.
    """
    return int(notes().settle(_END, str(iteration))) if is_launched() else iteration


def settled(error: Exception) -> Exception:
    """The error that one of several processes is to end with.

    A mistake of the user's, which `FaceswapError` tells of, ends the run; whatever else happens,
    ``torchrun`` may start all processes again. What several run into is told by one.

    Parameters
    ----------
    error
        What ended the work of this process.
    """
    if not is_launched() or isinstance(error, UnreachableError):
        return error
    if _is_of_others(error):
        told = notes().get(_SETTLED)
        if told is None:
            return _lost(error)
        error = ToldElsewhereError(int(told))
    if not isinstance(error, FaceswapError):
        return error
    code = int(notes().settle(_SETTLED, str(error.exit_code)))
    if isinstance(error, ToldElsewhereError) or not notes().is_first("told"):
        error = ToldElsewhereError(code)
    if tell_exit_code(code):
        error.exit_code = 0  # torchrun starts again whatever leaves with another
    return error


def _lost(error: Exception) -> FaceswapError:
    if not notes().is_first(f"lost/{os.environ.get('TORCHELASTIC_RESTART_COUNT')}"):
        return ToldElsewhereError(FaceswapError.exit_code)
    return FaceswapError(
        "another process of this run has ended, or can't be reached: the model is as it was last "
        f"saved ({_first_line(error)})"
    )


def _is_of_others(error: Exception) -> bool:
    """Whether an error is of the way between processes, and none of this one."""
    is_gloo = isinstance(error, RuntimeError) and "gloo" in str(error).lower()
    return is_gloo or isinstance(error, dist.DistError)


def _exit_code(error: Exception) -> int:
    return error.exit_code if isinstance(error, FaceswapError) else FaceswapError.exit_code


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:80]
