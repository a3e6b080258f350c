"""Faces as either side shows them."""

import keras
import numpy as np

from lib.model.predictor import Predictor, side_path


def painting_model() -> keras.Model:
    """Side A shows faces as they are, side B with blue and red exchanged; B has a mask as well."""
    inputs = [keras.Input((16, 16, 3)), keras.Input((8, 8, 3))]
    copied = keras.layers.Identity()(inputs[0])
    exchanged = keras.layers.Lambda(lambda x: keras.ops.flip(x, axis=-1))(inputs[1])
    masks = [keras.layers.Lambda(lambda x: x[..., :1])(input_) for input_ in inputs]
    return keras.Model(inputs, [copied, masks[0], exchanged, masks[1]], name="paint")


def predictor(rgb: bool = False) -> Predictor:
    model = painting_model()
    return Predictor({side: side_path(model, side) for side in "ab"}, coverage=0.5, rgb=rgb)


def faces(count: int = 3, size: int = 32) -> np.ndarray:
    blocks = np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    return blocks.repeat(size // 4, axis=1).repeat(size // 4, axis=2)


def test_each_side_gets_the_window_at_its_own_size() -> None:
    images = faces()
    window = images[:, 8:24, 8:24]
    np.testing.assert_array_equal(predictor()(images, "a"), window)
    np.testing.assert_array_equal(predictor()(images, "b"), window[:, ::2, ::2, ::-1])


def test_a_model_in_rgb_is_fed_and_read_in_rgb() -> None:
    images = faces()
    np.testing.assert_array_equal(predictor(rgb=True)(images, "a"), images[:, 8:24, 8:24])


def test_many_faces_are_predicted_in_batches() -> None:
    images = faces(count=33)
    np.testing.assert_array_equal(predictor()(images, "a"), images[:, 8:24, 8:24])
