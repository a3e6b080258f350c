"""Layers against NumPy."""

import keras
import numpy as np
import pytest
import torch

from lib.errors import FaceswapError
from lib.model.layers import InstanceNormalization, PixelShuffler, ReflectionPadding2D

RNG = np.random.default_rng(0)


def pixels(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def numpy_of(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def shuffled(x: np.ndarray, r: int) -> np.ndarray:
    """Depth to space, one pixel after another."""
    batch, height, width, channels = x.shape
    c = channels // r**2
    out = np.empty((batch, height * r, width * r, c), x.dtype)
    for i, j, k in np.ndindex(r, r, c):
        out[:, i::r, j::r, k] = x[..., (i * r + j) * c + k]
    return out


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pixel_shuffler_is_depth_to_space(size: int) -> None:
    x = pixels(2, 3, 5, 4 * size**2)
    np.testing.assert_array_equal(numpy_of(PixelShuffler(size)(x)), shuffled(x, size))


def test_pixel_shuffler_gives_each_gradient_back_to_its_channel() -> None:
    x = torch.tensor(pixels(2, 3, 4, 12), requires_grad=True)
    gradient = pixels(2, 6, 8, 3)
    PixelShuffler(2)(x).backward(torch.tensor(gradient))
    assert x.grad is not None
    np.testing.assert_array_equal(shuffled(numpy_of(x.grad), 2), gradient)


def test_pixel_shuffler_knows_its_shape_without_a_size() -> None:
    output = PixelShuffler(2)(keras.Input((None, 8, 12)))
    assert output.shape == (None, None, 16, 3)


def test_pixel_shuffler_names_channels_that_do_not_divide() -> None:
    with pytest.raises(FaceswapError, match="6 channels among the 4 pixels.*multiple of 4"):
        PixelShuffler(2)(keras.Input((4, 4, 6)))


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [7, 8, 9])
def test_reflection_padding_makes_a_valid_convolution_give_what_same_would(
    size: int, stride: int, kernel_size: int
) -> None:
    x = pixels(1, size, size + 3, 2)
    padded = numpy_of(ReflectionPadding2D(stride, kernel_size)(x))
    for axis in (1, 2):
        outputs = (padded.shape[axis] - kernel_size) // stride + 1
        assert outputs == -(-x.shape[axis] // stride)
    added = np.subtract(padded.shape, x.shape)
    widths = [(n // 2, n - n // 2) for n in added]
    np.testing.assert_array_equal(padded, np.pad(x, widths, mode="reflect"))
    symbolic = ReflectionPadding2D(stride, kernel_size)(keras.Input(x.shape[1:]))
    assert symbolic.shape[1:] == padded.shape[1:]


def test_reflection_padding_leaves_an_unknown_size_unknown() -> None:
    assert ReflectionPadding2D()(keras.Input((None, 8, 1))).shape == (None, None, 11, 1)


def test_reflection_padding_says_that_a_picture_is_too_small() -> None:
    with pytest.raises(FaceswapError, match="edge of 2 pixels.*mirror 2.*reflect_padding off"):
        ReflectionPadding2D(1, 5)(keras.Input((8, 2, 1)))


def test_instance_normalization_works_on_each_channel_of_each_picture() -> None:
    x = pixels(3, 6, 5, 4) * 2 + 1
    layer = InstanceNormalization()
    layer.build(x.shape)
    scale, centre = pixels(4), pixels(4)
    layer.set_weights([scale, centre])
    mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    expected = (x - mean) / np.sqrt(variance + 1e-3) * scale + centre
    np.testing.assert_allclose(numpy_of(layer(x)), expected, rtol=1e-4, atol=1e-5)


def test_instance_normalization_is_exact_under_mixed_precision() -> None:
    """Pixels about 64 have a variance that is lost in sixteen bits."""
    x = (64 + np.arange(16).reshape(1, 4, 4, 1) / 2).astype(np.float32)
    layer = InstanceNormalization(epsilon=1e-6, dtype="mixed_bfloat16")
    result = layer(x)
    assert result.dtype == torch.bfloat16
    np.testing.assert_allclose(
        result.float().detach().cpu().numpy(), (x - x.mean()) / x.std(), atol=0.01
    )


@pytest.mark.parametrize(
    "layer",
    [
        PixelShuffler(3, name="shuffle"),
        ReflectionPadding2D(1, 3),
        InstanceNormalization(epsilon=0.5, dtype="mixed_bfloat16"),
    ],
)
def test_the_configuration_makes_an_equal_one(layer: keras.Layer) -> None:
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config, safe_mode=True)
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
    x = pixels(1, 4, 4, 9)
    np.testing.assert_array_equal(numpy_of(again(x).float()), numpy_of(layer(x).float()))
