"""What is common to all that may run out of memory: to know it, and to try again with less."""

import gc
from collections.abc import Callable
from typing import TypeVar

import torch

from lib.device import device
from lib.errors import FaceswapError

Result = TypeVar("Result")

_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
"""How PyTorch and the libraries that it calls say it; the last is of cuBLAS and cuDNN."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory has run out, on the device or in the computer."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _WORDS)


def attempt(work: Callable[[], Result]) -> Result | None:
    """Do something that may run out of memory.

    Parameters
    ----------
    work
        What to do; gives something other than None.

    Returns
    -------
    Result or None
        None where memory ran out. All that the work held is free by then.
    """
    try:
        return work()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
    # Not before: while the error is there, so is all that led to it.
    _free()
    return None


def _free() -> None:
    gc.collect()
    if device().type != "cpu":
        getattr(torch, device().type).empty_cache()


def half(faces: int, doing: str, advice: str) -> int:
    """How many faces to let through at a time where so many were too many.

    Parameters
    ----------
    faces
        How many were too many.
    doing
        What memory ran out in, such as "a preview"; for the message.
    advice
        What the user may do where even one face is too many.

    Raises
    ------
    FaceswapError
        It was one.
    """
    if faces == 1:
        raise FaceswapError(f"out of memory in {doing}, even with one face at a time: {advice}")
    return (faces + 1) // 2
