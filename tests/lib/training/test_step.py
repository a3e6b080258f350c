"""The step is Keras' own ``train_on_batch``, mathematically."""

import keras
import numpy as np
import torch

from lib.model.losses.face import FaceLoss
from lib.training.device import describe, to_device, to_pixels
from lib.training.step import TrainingStep


def make() -> keras.Model:
    keras.utils.set_random_seed(0)
    code = keras.Input((16, 16, 3))
    encoder = keras.Model(code, keras.layers.Conv2D(4, 3, padding="same")(code))
    inputs = [keras.Input((16, 16, 3)) for _ in "ab"]
    outputs = [
        keras.layers.Conv2D(3, 3, padding="same", activation="sigmoid")(encoder(x)) for x in inputs
    ]
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3), loss=[FaceLoss() for _ in "ab"], jit_compile=False
    )
    model.optimizer.build(model.trainable_variables)
    return model


def test_three_steps_are_those_of_train_on_batch() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = make(), make()
    step = TrainingStep(ours)
    for _ in range(3):
        feeds = [rng.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8) for _ in "ab"]
        targets = [rng.integers(0, 256, (4, 16, 16, 6), dtype=np.uint8) for _ in "ab"]
        losses = step(feeds, targets).tolist()
        total, *_ = theirs.train_on_batch(
            [to_device(x) for x in feeds], [to_device(x) for x in targets]
        )
        theirs.reset_metrics()
        np.testing.assert_allclose(sum(losses), total, rtol=1e-5)
    for x, y in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(x, y, atol=2e-6)


def test_pixels_go_to_the_device_and_back_unchanged() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    floats = to_device(pixels)
    assert float(floats.min()) == 0
    assert float(floats.max()) == 1
    np.testing.assert_array_equal(to_pixels(floats), pixels)


def test_the_device_is_named_in_words() -> None:
    assert describe() in ("1 CPU thread", f"{torch.get_num_threads()} CPU threads")
