"""The moving average of the weights, which predicts better than the weights of any one moment.

The optimizer keeps it beside the weights and saves it with them. Keras has no public access to it
but to overwrite the weights for good; ``_model_variables_moving_average`` is where it lies.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras


def _has_average(model: keras.Model) -> bool:
    # Before the first step the average is all zeros.
    return bool(model.optimizer.use_ema) and int(model.optimizer.iterations) > 0


def take_average(model: keras.Model) -> None:
    """Give a model that only predicts the average of its weights, where one is kept."""
    if getattr(model, "optimizer", None) is not None and _has_average(model):
        model.optimizer.finalize_variable_values(model.trainable_variables)


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Context in which a model that trains predicts with the average of its weights.

    Weights and average change places and back; nothing is copied.

    Parameters
    ----------
    model
        Compiled; without an average nothing changes.
    """
    pairs = []
    if _has_average(model):
        averages = model.optimizer._model_variables_moving_average
        pairs = list(zip(model.trainable_variables, averages, strict=True))
    _exchange(pairs)
    try:
        yield
    finally:
        _exchange(pairs)


def _exchange(pairs: list[tuple[keras.Variable, keras.Variable]]) -> None:
    for weight, average in pairs:
        weight.value.data, average.value.data = average.value.data, weight.value.data
