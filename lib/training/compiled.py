"""Functions compiled by PyTorch, where the user asks for it."""

import warnings
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from lib.errors import FaceswapError

Function = TypeVar("Function", bound=Callable[..., Tensor])


def compiled(function: Function) -> Callable[..., Tensor]:
    """Make one program of a function of tensors; it compiles at its first call.

    Of a training step the losses alone are worth it: they are many small operations, which
    `torch.compile` joins. Layers are few large ones, and those of Keras can't be joined.

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
    """
    fast: Callable[..., Tensor] | None = None

    def call(*tensors: Tensor) -> Tensor:
        nonlocal fast
        try:
            with warnings.catch_warnings():  # PyTorch's about its own code
                warnings.simplefilter("ignore")
                fast = fast or torch.compile(function, dynamic=False)
                result = fast(*tensors)
        except torch._dynamo.exc.TorchDynamoException as error:
            why = " ".join(str(error).strip().splitlines()[:2])
            raise FaceswapError(
                f"compile_losses = True: PyTorch can't compile here ({why}): install a C++ "
                "compiler (on a GPU Triton), or turn the option off"
            ) from error
        return result

    return call
