"""Faces as either side shows them."""

import logging

import keras
import numpy as np
import pytest
import torch

from lib.errors import FaceswapError
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


def test_windows_are_shown_with_their_masks() -> None:
    feeds = faces(count=5, size=16)
    shown = predictor(rgb=True).windows(feeds, "a")
    np.testing.assert_array_equal(shown.faces, feeds.astype(np.float32) / 255)
    assert shown.masks is not None
    np.testing.assert_array_equal(shown.masks, feeds[..., 2].astype(np.float32) / 255)


def test_numbers_out_of_range_become_colours() -> None:
    inputs = [keras.Input((16, 16, 3)) for _ in range(2)]
    broken = keras.layers.Lambda(lambda x: x * float("nan"))(inputs[0])
    bright = keras.layers.Lambda(lambda x: x * 4 - 1)(inputs[1])
    model = keras.Model(inputs, [broken, bright])
    made = Predictor({side: side_path(model, side) for side in "ab"}, coverage=0.5)
    feeds = np.repeat(np.array([0, 255], np.uint8), 384).reshape(1, 16, 16, 3)
    assert not made.windows(feeds, "a").faces.any()
    assert made.windows(feeds, "b").masks is None
    np.testing.assert_array_equal(made.windows(feeds, "b").faces, feeds / 255)


def test_many_faces_are_predicted_in_batches() -> None:
    images = faces(count=33)
    np.testing.assert_array_equal(predictor()(images, "a"), images[:, 8:24, 8:24])


def crowded(most: int) -> tuple[Predictor, list[int]]:
    """A predictor whose memory holds so many faces, and the sizes of the batches it was given."""
    made, sizes = predictor(), []
    predict = made._predict

    def limited(path: keras.Model, feed: np.ndarray) -> np.ndarray:
        sizes.append(len(feed))
        if len(feed) > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return predict(path, feed)

    made._predict = limited
    return made, sizes


def test_where_memory_runs_out_fewer_faces_are_predicted_at_a_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    images = faces(count=19)
    made, sizes = crowded(most=5)
    np.testing.assert_array_equal(made(images, "a"), images[:, 8:24, 8:24])
    assert sizes == [16, 8, 4, 4, 4, 4, 3]
    made(images[:4], "b")
    assert sizes[7:] == [4]
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert warnings == [
        f"Out of memory: faces are now predicted {count} at a time" for count in (8, 4)
    ]


def test_one_face_that_does_not_fit_is_an_error_of_one_line() -> None:
    made, _ = crowded(most=0)
    with pytest.raises(FaceswapError, match="out of memory in a prediction, even with one face"):
        made(faces(), "a")
