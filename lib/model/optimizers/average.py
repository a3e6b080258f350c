"""Brings the average of the weights up to date for all weights at once."""

from typing import Any

import keras
import torch


def average_at_once(optimizer: keras.optimizers.Optimizer) -> None:
    """Make an optimizer update its average in a few operations, however many weights there are.

    The average is Keras' own::

        average = momentum average + (1 - momentum) weight

    and the weight itself after the first iteration of all. Keras takes eleven operations for each
    weight, and for three of them waits until the device has done all that it has been given.

    Notes
    -----
    Keras has no public place for it; ``_update_model_variables_moving_average`` is what its
    optimizers call after each change of the weights.
    """

    @torch.no_grad()
    def update(trainable_variables: list[keras.Variable]) -> None:
        weights = [variable.value for variable in trainable_variables]
        averages = [average.value for average in optimizer._model_variables_moving_average]
        changes: Any = torch._foreach_sub(weights, averages)
        is_later = optimizer.iterations.value.ne(0).to(weights[0].dtype)
        torch._foreach_mul_(changes, 1 - optimizer.ema_momentum * is_later)
        torch._foreach_add_(averages, changes)

    if optimizer.use_ema:
        optimizer._update_model_variables_moving_average = update
