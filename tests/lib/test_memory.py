"""Memory that runs out: what says so, and what is free again after it."""

import weakref

import numpy as np
import pytest
import torch

from lib.errors import FaceswapError
from lib.memory import attempt, half, is_out_of_memory

SAID = [
    MemoryError(),
    np._core._exceptions._ArrayMemoryError((1,), np.dtype(float)),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"),
]
OTHERS = [RuntimeError("shapes do not match"), ValueError("out of memory"), KeyError("x")]


@pytest.mark.parametrize("error", SAID, ids=str)
def test_memory_that_runs_out_is_known_by_its_words(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    def work() -> None:
        raise error

    assert not is_out_of_memory(error)
    with pytest.raises(type(error)):
        attempt(work)


def test_torch_says_so_where_there_is_no_memory() -> None:
    # More than an address can tell.
    assert attempt(lambda: torch.empty(2**60, dtype=torch.uint8)) is None
    assert attempt(lambda: np.empty(2**60, dtype=np.uint8)) is None


class Thing:
    """Something in the way."""


def test_what_the_work_held_is_free_after_it() -> None:
    held: list[weakref.ref[Thing]] = []

    def work() -> None:
        thing = Thing()
        thing.itself = thing
        held.append(weakref.ref(thing))
        raise MemoryError

    assert attempt(work) is None
    assert held[0]() is None


def test_half_of_one_face_is_a_mistake_with_advice() -> None:
    assert [half(faces, "a test", "") for faces in (2, 3, 16)] == [1, 2, 8]
    with pytest.raises(FaceswapError, match="out of memory in a test, .* at a time: buy more"):
        half(1, "a test", "buy more")
