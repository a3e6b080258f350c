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
    """

    def __init__(self, model: keras.Model) -> None:
        numbers = random_state.capture(model)
        with keras.device("cpu"):
            self.model = type(model).from_config(model.get_config())
            optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
            self.model.compile(
                optimizer=optimizer, loss=model.loss, jit_compile=False, auto_scale_loss=False
            )
            optimizer.build(self.model.trainable_variables)
        random_state.restore(numbers, model)  # to build the copy took some
        self._pairs = list(zip(_values(self.model), _values(model), strict=True))

    def take(self) -> None:
        """Take over the values that the model has now."""
        with torch.no_grad():
            for copy, value in self._pairs:
                copy.copy_(value)

    def check(self) -> None:
        """Refuse weights that are no numbers.

        Raises
        ------
        FaceswapError
        """
        for variable in self.model.weights:
            # In one thread: that of training shall not wait for this one's.
            if not np.isfinite(variable.value.detach().numpy().sum(dtype=np.float64)):
                raise FaceswapError(
                    f"weights of '{variable.path}' are no numbers: the model is not saved"
                )


def _values(model: keras.Model) -> list[Tensor]:
    return [variable.value for variable in (*model.variables, *model.optimizer.variables)]
