"""A second model that holds a training one's values still while they are written.

The copy is made in the time that memory takes; writing it is another thread's work, and the model
trains on. The memory is taken once, because fresh memory takes ten times as long to fill.
"""

import keras
import numpy as np
import torch
from torch import Tensor

from lib.checkpoint import random_state
from lib.errors import FaceswapError

_EXPONENT = np.int16(0x7F80)


class ModelCopy:
    """A copy of a compiled model and its optimizer, in the computer's own memory.

    Parameters
    ----------
    model
        The model that trains.

    Attributes
    ----------
    model : keras.Model
        The copy.

    Raises
    ------
    FaceswapError
        The model can't be built from what is saved of it.
    """

    def __init__(self, model: keras.Model) -> None:
        numbers = random_state.capture(model)
        with keras.device("cpu"):
            self.model = _like(model)
            optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
            self.model.compile(
                optimizer=optimizer, loss=model.loss, jit_compile=False, auto_scale_loss=False
            )
            optimizer.build(self.model.trainable_variables)
        random_state.restore(numbers, model)  # to build the copy took some
        self._source = model

    def take(self) -> None:
        """Take over the values that the model has now."""
        copy_values(self._source, self.model)

    def check(self) -> None:
        """Refuse values that are no numbers.

        Raises
        ------
        FaceswapError
        """
        for variable in (*self.model.weights, *self.model.optimizer.variables):
            if not _is_finite(variable.value.detach()):
                raise FaceswapError(f"'{variable.path}' holds what is no number: it is not saved")


def _is_finite(values: Tensor) -> bool:
    """Whether all are numbers. In one thread: that of training shall not wait for this one's."""
    if values.dtype == torch.bfloat16:  # which NumPy lacks; no number has all bits of its exponent
        bits = values.view(torch.int16).numpy() & _EXPONENT
        return not (bits == _EXPONENT).any()
    return bool(np.isfinite(values.numpy().sum(dtype=np.float64)))


def _like(model: keras.Model) -> keras.Model:
    try:
        return type(model).from_config(model.get_config())
    except Exception as error:  # whatever a plugin's layers do
        why = str(error).strip().partition("\n")[0]
        raise FaceswapError(
            f"model '{model.name}' could be saved, but not loaded again ({why}): layers of a "
            "plugin's own need @keras.saving.register_keras_serializable() and get_config()"
        ) from error


def values_of(model: keras.Model) -> list[Tensor]:
    """All values of a compiled model and its optimizer, which may be written to."""
    return [variable.value for variable in (*model.variables, *model.optimizer.variables)]


def copy_values(source: keras.Model, target: keras.Model) -> None:
    """Give a compiled model and its optimizer the values of another one that is built alike."""
    with torch.no_grad():
        for value, new in zip(values_of(target), values_of(source), strict=True):
            if value.device.type == new.device.type == "cpu" and value.dtype != torch.bfloat16:
                # In one thread: PyTorch's would wait for each other where the processor is busy.
                np.copyto(value.detach().numpy(), new.detach().numpy())
            else:
                value.copy_(new)
