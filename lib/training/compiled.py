"""Functions compiled by PyTorch, where the user asks for it."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

from lib.errors import FaceswapError
from lib.memory import is_out_of_memory

Function = TypeVar("Function", bound=Callable[..., Tensor])


def compiled(function: Function) -> Callable[..., Tensor]:
    """Make one program of a function of tensors and one of its gradient.

    They compile at the first call with tensors of these shapes. Of a training step the losses alone
    are worth it: they are many small operations, which `torch.compile` joins. Layers are few large
    ones, and those of Keras can't be joined.

    Parameters
    ----------
    function
        Called with tensors of the same shapes again and again; other shapes compile anew.

    Returns
    -------
    callable
        Gives the same to rounding.

    Raises
    ------
    FaceswapError
        When called: there is no compiler.
    torch.OutOfMemoryError
        When called: memory ran out, also as they were compiled.
    """
    fast: Callable[..., Tensor] | None = None
    seen: set[tuple[torch.Size, ...]] = set()

    def call(*tensors: Tensor) -> Tensor:
        nonlocal fast
        shapes = tuple(tensor.shape for tensor in tensors)
        if fast is None or shapes not in seen:
            with _compiling():
                fast = fast or torch.compile(function, dynamic=False)
                _go_both_ways(fast, tensors)
            seen.add(shapes)
        return fast(*tensors)

    return call


@contextmanager
def _compiling() -> Iterator[None]:
    """Context without PyTorch's warnings about its own code, and with errors in plain words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except torch._dynamo.exc.TorchDynamoException as error:
        cause = getattr(error, "inner_exception", error)
        if is_out_of_memory(error) or is_out_of_memory(cause):
            raise torch.OutOfMemoryError(str(error)) from error
        why = " ".join(str(error).strip().splitlines()[:2])
        raise FaceswapError(
            f"compile_losses = True: PyTorch can't compile here ({why}): install a C++ "
            "compiler (on a GPU Triton), or turn the option off"
        ) from error


def _go_both_ways(function: Callable[..., Tensor], tensors: Iterable[Tensor]) -> None:
    """Have the way back compiled too: PyTorch leaves that to the first time that it is gone."""
    result = function(*(x.detach().requires_grad_(x.requires_grad) for x in tensors))
    if result.requires_grad:
        torch.autograd.backward(result.sum())
