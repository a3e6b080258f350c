"""The values of a model as they were when a save began, while the model trains on.

Between two updates the optimizer stays as it is, and so do the weights of most layers, for as long
as a forward and a backward pass take. A writer may read them where they lie meanwhile, so most of a
save needs no second copy.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final

import keras
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.checkpoint.copies import copy_value, variables_of
from lib.errors import FaceswapError
from lib.model.passing import passing_variables

PATIENCE: Final = 0.4
"""Seconds that an update waits for the writer, before it has the rest copied."""

PIECE: Final = 1 << 22
"""Bytes that are read at a time; a multiple of any number's size."""

_EXPONENT = np.int16(0x7F80)


class Held:
    """Values that one thread trains on with, and another one reads.

    Values are numbered as in `variables_of`.

    Parameters
    ----------
    model
        The model that trains, compiled.
    refuse_nan
        Whether values that are no numbers can't be read.
    """

    def __init__(self, model: keras.Model, *, refuse_nan: bool) -> None:
        self._refuse_nan = refuse_nan
        self._variables = variables_of(model)
        self._passing = {id(variable) for variable in passing_variables(model)}
        self._sources: list[Tensor] = []
        self._copies: dict[int, Tensor] = {}
        self._live: list[int] = []
        self._lock = threading.Lock()
        self._is_free = threading.Event()
        self._is_free.set()

    def hold(self) -> None:
        """Hold all values as they are now, until `drop`.

        What the writer could not read by itself is copied at once: what layers change as they run,
        such as statistics and the states of their generators, all of layers that nothing is known
        of, and what lies on another device.
        """
        self._sources, self._live = [], []
        for number, variable in enumerate(self._variables):
            value = variable.value.detach()
            if self._stays(variable, value):
                self._live.append(number)
                self._sources.append(value)
            else:
                self._sources.append(self._copied(number, value))
        if self._live:
            self._is_free.clear()

    def _stays(self, variable: keras.Variable, value: Tensor) -> bool:
        is_here = value.device.type == "cpu" and value.is_contiguous()
        return is_here and id(variable) not in self._passing

    def _copied(self, number: int, value: Tensor) -> Tensor:
        """Copy a value; the memory is kept, since fresh memory takes ten times as long to fill."""
        if number not in self._copies:
            self._copies[number] = torch.empty(value.shape, dtype=value.dtype, device="cpu")
        copy_value(value, self._copies[number])
        return self._copies[number]

    def expect(self, order: Sequence[int]) -> None:
        """Say what is going to be read, and in which order; nothing else stays held.

        Parameters
        ----------
        order
            Numbers of values, each of them once.
        """
        with self._lock:
            live = set(self._live)
            self._live = [number for number in order if number in live]
            self._tell_if_free()

    def pieces(self, number: int) -> Iterator[memoryview]:
        """Read a value, once.

        Parameters
        ----------
        number
            Which one.

        Yields
        ------
        memoryview
            The next bytes of it, up to `PIECE`. They are good until the next ones are asked for.

        Raises
        ------
        FaceswapError
            The value is no number, and that is refused.
        """
        size, kind = self._sources[number].nbytes, self._sources[number].dtype
        buffer = np.empty(min(size, PIECE), np.uint8)
        for start in range(0, size, PIECE):
            piece = buffer[: size - start]
            # Copied, so that nobody who wants the lock has to wait for the disk.
            with self._lock:
                np.copyto(piece, as_bytes(self._sources[number])[start : start + PIECE])
            if self._refuse_nan and not _is_finite(piece, kind):
                path = self._variables[number].path
                raise FaceswapError(f"'{path}' holds what is no number: it is not saved")
            yield piece.data
        with self._lock:
            if number in self._live:
                self._live.remove(number)
                self._tell_if_free()

    def copy(self, number: int) -> Tensor:
        """Read a value whole, once.

        Raises
        ------
        FaceswapError
            As `pieces`.
        """
        copy = torch.empty_like(self._sources[number])
        rest = as_bytes(copy)
        for piece in self.pieces(number):
            rest[: len(piece)] = piece
            rest = rest[len(piece) :]
        return copy

    def _tell_if_free(self) -> None:
        if not self._live:
            self._is_free.set()

    def let_go(self) -> None:
        """Make ready for values that change: call it right before they do.

        Waits for the writer, but no longer than `PATIENCE`, and copies what it has not read by
        then; from the end, while it reads on. Where nothing is being read this takes no time.
        """
        if self._is_free.wait(PATIENCE):
            return
        while self._live:
            with self._lock:
                if self._live:
                    number = self._live.pop()
                    self._sources[number] = self._copied(number, self._sources[number])
                    self._tell_if_free()

    def drop(self) -> None:
        """End the hold, whatever has been read."""
        with self._lock:
            self._live = []
            self._tell_if_free()


def as_bytes(value: Tensor) -> NDArray[np.uint8]:
    """The bytes of a tensor that lies in one piece in the computer's own memory; not a copy."""
    is_known = value.dtype != torch.bfloat16
    array: NDArray[Any] = (value if is_known else value.view(torch.int16)).numpy()
    return array.reshape(-1).view(np.uint8)


def _is_finite(piece: NDArray[np.uint8], kind: torch.dtype) -> bool:
    """Whether all are numbers. In one thread: that of training shall not wait for this one's."""
    if kind == torch.bfloat16:  # which NumPy lacks; no number has all bits of its exponent
        return not (piece.view(np.int16) & _EXPONENT == _EXPONENT).any()
    values: NDArray[Any] = torch.from_numpy(piece).view(kind).numpy()
    return bool(np.isfinite(values).all())
