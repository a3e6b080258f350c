"""The values of a model and its optimizer, and how those of one model go over to another."""

import keras
import numpy as np
import torch
from torch import Tensor


def variables_of(model: keras.Model) -> list[keras.Variable]:
    """All variables of a compiled model and its optimizer, those of its layers' generators too."""
    return [*model.variables, *model.optimizer.variables]


def values_of(model: keras.Model) -> list[Tensor]:
    """All values of a compiled model and its optimizer, which may be written to."""
    return [variable.value for variable in variables_of(model)]


def copy_values(source: keras.Model, target: keras.Model) -> None:
    """Give a compiled model and its optimizer the values of another one that is built alike."""
    for value, new in zip(values_of(target), values_of(source), strict=True):
        copy_value(new, value)


def copy_value(source: Tensor, target: Tensor) -> None:
    """Give a tensor the values of another one, which may lie on another device."""
    is_here = source.device.type == target.device.type == "cpu"
    with torch.no_grad():
        if is_here and torch.bfloat16 not in (source.dtype, target.dtype):
            # In one thread: PyTorch's would wait for each other where the processor is busy.
            np.copyto(target.detach().numpy(), source.detach().numpy())
        else:
            target.copy_(source)
