"""The average of the weights: computed by the recurrence, used where pictures are made."""

from pathlib import Path

import keras
import numpy as np

from lib.model.averaging import averaged, take_average


def train(momentum: float, steps: int) -> tuple[keras.Model, list[np.ndarray]]:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    model.compile(
        optimizer=keras.optimizers.Adam(0.1, use_ema=momentum > 0, ema_momentum=momentum),
        loss="mse",
        jit_compile=False,
    )
    rng = np.random.default_rng(0)
    kernels = []
    for _ in range(steps):
        model.train_on_batch(rng.random((4, 3)), rng.random((4, 2)))
        kernels.append(model.get_weights()[0].copy())
    return model, kernels


def expected(kernels: list[np.ndarray], momentum: float) -> np.ndarray:
    average = kernels[0]
    for kernel in kernels[1:]:
        average = momentum * average + (1 - momentum) * kernel
    return average


def test_inside_the_context_the_average_predicts_and_outside_the_weights() -> None:
    model, kernels = train(0.8, steps=6)
    with averaged(model):
        np.testing.assert_allclose(model.get_weights()[0], expected(kernels, 0.8), rtol=1e-5)
    np.testing.assert_array_equal(model.get_weights()[0], kernels[-1])


def test_without_an_average_nothing_changes() -> None:
    for momentum, steps in ((0, 3), (0.8, 0)):
        model, _ = train(momentum, steps)
        if not steps:
            model.optimizer.build(model.trainable_variables)
        before = model.get_weights()[0].copy()
        with averaged(model):
            np.testing.assert_array_equal(model.get_weights()[0], before)
        take_average(model)
        np.testing.assert_array_equal(model.get_weights()[0], before)


def test_a_saved_model_predicts_with_its_average(tmp_path: Path) -> None:
    model, kernels = train(0.8, steps=6)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.get_weights()[0], kernels[-1])
    take_average(again)
    np.testing.assert_allclose(again.get_weights()[0], expected(kernels, 0.8), rtol=1e-5)
