"""What layers change as they run, and how it was before.

Statistics of batches and states of generators are told by not being trained. But a layer may assign
weights that are trained, too, in its forward pass.
"""

from typing import Final

import keras
import torch
from torch import Tensor

_KNOWN: Final = ("keras", "lib")
"""Packages whose layers leave the weights that they train to the optimizer, but for `_RESTLESS`."""
_RESTLESS: Final = keras.layers.SpectralNormalization
"""It divides the kernel of the layer within by its norm in each forward pass."""


def passing_variables(model: keras.Model) -> list[keras.Variable]:
    """Variables of a model that its layers change, or may change, as they run.

    All that are not trained; and all of layers that nothing is known of, such as a plugin's own.
    """
    restless = {
        id(variable)
        for layer in model._flatten_layers()
        if isinstance(layer, _RESTLESS) or type(layer).__module__.split(".")[0] not in _KNOWN
        for variable in layer.variables  # those of layers within, too
    }
    return [one for one in model.variables if not one.trainable or id(one) in restless]


class Passing:
    """The values of a model's `passing_variables`, to be put back as they were.

    Parameters
    ----------
    model
        What it is built of stays as it is from now on.
    """

    def __init__(self, model: keras.Model) -> None:
        self._values = [variable.value for variable in passing_variables(model)]
        self._before: list[Tensor] = []

    @torch.no_grad()
    def remember(self) -> None:
        """Note all values as they are now."""
        self._before = [value.clone() for value in self._values]

    @torch.no_grad()
    def put_back(self) -> None:
        """Give all variables the values that were noted."""
        for value, before in zip(self._values, self._before, strict=True):
            value.copy_(before)

    @torch.no_grad()
    def put_back_unless(self, is_kept: Tensor) -> None:
        """As `put_back`, unless a condition, bool, ``()``, holds; it stays on the device."""
        for value, before in zip(self._values, self._before, strict=True):
            value.copy_(torch.where(is_kept, value, before))
