"""What layers assign to their weights as they run is undone with a step that is not taken."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
import torch

from tests.fixtures.small_step import (
    RATE,
    Spoiled,
    batch,
    everything,
    make,
    step_of,
)


@keras.saving.register_keras_serializable("tests")
class Halving(keras.layers.Conv2D):
    """Makes its kernel smaller in each forward pass that trains."""

    def call(self, x: torch.Tensor, training: bool = False) -> torch.Tensor:
        if training:
            self.kernel.assign(self.kernel * 0.5)
        return super().call(x)


def spectral(*args: Any, **kwargs: Any) -> keras.layers.Layer:
    return keras.layers.SpectralNormalization(keras.layers.Conv2D(*args, **kwargs))


def restless(layer: Callable[..., keras.layers.Layer]) -> keras.Model:
    """A model with layers that assign weights which are trained, in their forward pass."""
    keras.utils.set_random_seed(0)
    inputs = [keras.Input((16, 16, 3)) for _ in "ab"]
    outputs = [layer(3, 3, padding="same")(x) for x in inputs]
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(RATE), loss=[Spoiled() for _ in "ab"], jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.mark.parametrize("layer", [spectral, Halving])
def test_a_bad_step_does_not_leave_what_layers_assign_to_weights(
    layer: Callable[..., keras.layers.Layer],
) -> None:
    model = restless(layer)
    step = step_of(model)
    before = everything(model)
    model.loss[1].factor = float("nan")
    assert not bool(step([batch(0)], RATE).is_good)
    assert everything(model) == before
    model.loss[1].factor = 1.0
    assert bool(step([batch(0)], RATE).is_good)
    changed = [old != new for old, new in zip(before, everything(model), strict=True)]
    assert all(changed[: len(model.trainable_variables)]), "a good step keeps it"


def test_a_step_that_ran_out_of_memory_does_not_leave_what_layers_assign_to_weights() -> None:
    models = [restless(spectral) for _ in range(2)]
    steps = [step_of(model) for model in models]
    whole, fails = Spoiled.call, [True]

    def call(loss: Spoiled, truth: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
        if fails and len(prediction) > 2:
            fails.clear()
            raise MemoryError
        return whole(loss, truth, prediction)

    steps[0]._losses._losses = [partial(call, loss) for loss in models[0].loss]
    steps[0]._parts.shrink = lambda _: None  # the batch as a whole again
    for step in steps:
        step([batch(0)], RATE)
    assert not fails
    assert everything(models[0]) == everything(models[1])


def test_a_bad_activation_does_not_stay_in_the_statistics_of_batches() -> None:
    model = make()
    step = step_of(model)
    norm = model.get_layer("encoder").layers[-1]
    before = everything(model)
    kernel = model.get_layer("encoder").layers[1].kernel
    whole = kernel.numpy().copy()
    kernel.assign(np.full_like(whole, np.nan))
    assert not bool(step([batch(0)], RATE).is_good)
    assert np.isfinite(norm.moving_mean.numpy()).all()
    kernel.assign(whole)
    assert everything(model) == before
