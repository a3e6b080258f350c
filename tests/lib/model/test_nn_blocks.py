"""Each block against the same sums in NumPy and SciPy."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from scipy.signal import correlate
from scipy.special import expit

from lib.errors import FaceswapError
from lib.model import nn_blocks
from lib.model.initializers import ICNR, ConvolutionAware
from lib.model.nn_blocks import (
    Conv2D,
    Conv2DBlock,
    Conv2DOutput,
    DepthwiseConv2D,
    ResidualBlock,
    SeparableConv2DBlock,
    Upscale2xBlock,
    UpscaleBlock,
    UpscaleResizeImagesBlock,
)

RNG = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def padded(x: np.ndarray, kernel: int, stride: int, mode: str) -> np.ndarray:
    widths = [(0, 0)]
    for size in x.shape[1:3]:
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        widths.append((total // 2, total - total // 2))
    return np.pad(x, [*widths, (0, 0)], mode=mode)


def convolved(
    x: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray | float = 0.0,
    stride: int = 1,
    mode: str = "constant",
) -> np.ndarray:
    """Convolution with TensorFlow's padding "same"."""
    x = padded(x, kernel.shape[0], stride, mode)
    planes = [
        [correlate(picture, filter_, mode="valid")[::stride, ::stride, 0] for picture in x]
        for filter_ in np.moveaxis(kernel, -1, 0)
    ]
    return np.moveaxis(np.array(planes), 0, -1) + bias


def depthwise(x: np.ndarray, kernel: np.ndarray, stride: int = 1) -> np.ndarray:
    planes = [
        convolved(x[..., [c]], kernel[:, :, [c], [m]][..., None], stride=stride)
        for c, m in np.ndindex(*kernel.shape[2:])
    ]
    return np.concatenate(planes, axis=-1)


def leaky(x: np.ndarray, slope: float = 0.1) -> np.ndarray:
    return np.where(x > 0, x, slope * x)


def shuffled(x: np.ndarray, r: int) -> np.ndarray:
    batch, height, width, channels = x.shape
    out = np.empty((batch, height * r, width * r, channels // r**2))
    for i, j, k in np.ndindex(r, r, channels // r**2):
        out[:, i::r, j::r, k] = x[..., (i * r + j) * (channels // r**2) + k]
    return out


def doubled(x: np.ndarray) -> np.ndarray:
    """Bilinear enlargement by 2: half-pixel centres, edges replicated."""
    for axis in (1, 2):
        size = x.shape[axis]
        at = np.clip((np.arange(2 * size) + 0.5) / 2 - 0.5, 0, size - 1)
        low = np.floor(at).astype(int)
        share = np.expand_dims(at - low, tuple(a for a in range(4) if a != axis))
        high = np.minimum(low + 1, size - 1)
        x = np.take(x, low, axis) * (1 - share) + np.take(x, high, axis) * share
    return x


def transposed(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Transposed convolution of stride 2: what each pixel scatters, cut to twice the size."""
    batch, height, width, _ = x.shape
    size = kernel.shape[0]
    out = np.zeros((batch, 2 * height + size, 2 * width + size, kernel.shape[2]))
    for i, j in np.ndindex(size, size):
        part = out[:, i : i + 2 * height : 2, j : j + 2 * width : 2]
        part += np.einsum("bhwi,oi->bhwo", x, kernel[i, j])
    before = max(size - 2, 0) // 2
    return out[:, before : before + 2 * height, before : before + 2 * width] + bias


def run(block: Callable[[Any], Any], x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """What a block makes of pictures, and its weights, all of them random."""
    input_ = keras.Input(x.shape[1:])
    model = keras.Model(input_, block(input_))
    weights = [0.5 * numbers(*weight.shape) for weight in model.get_weights()]
    model.set_weights(weights)
    assert model.output_shape[1:] == model(x).shape[1:]
    return keras.ops.convert_to_numpy(model(x)), weights


def assert_close(result: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("filters", [3, 200])  # less than the outputs and more: two ways
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel_size", [2, 3, 5])
@pytest.mark.parametrize("size", [6, 7])
def test_convolution_pads_as_tensorflow_does(
    size: int, kernel_size: int, stride: int, filters: int
) -> None:
    x = numbers(2, size, size + 2, 3)
    result, (kernel, bias) = run(Conv2D(filters, kernel_size, strides=stride), x)
    assert_close(result, convolved(x, kernel, bias, stride))


@pytest.mark.parametrize("filters", [3, 200])
def test_convolution_without_padding(filters: int) -> None:
    x = numbers(1, 6, 6, 2)
    result, (kernel, bias) = run(Conv2D(filters, 3, padding="valid"), x)
    assert_close(result, convolved(x, kernel, bias)[:, 1:-1, 1:-1])


@pytest.mark.parametrize(("filters", "product"), [(15, False), (16, False), (17, True)])
def test_convolution_is_a_matrix_product_where_filters_outnumber_outputs(
    monkeypatch: pytest.MonkeyPatch, filters: int, product: bool
) -> None:
    calls = []
    plain = torch.nn.functional.conv2d
    monkeypatch.setattr(
        torch.nn.functional, "conv2d", lambda *args: (calls.append(args), plain(*args))[1]
    )
    Conv2D(filters, 3)(torch.ones(1, 4, 4, 2, device="cpu"))
    assert len(calls) == (not product)


@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_one_filter_learns_in_half_precision_on_any_processor(kind: str) -> None:
    """Without units for it, PyTorch's own convolution fails in the backward pass."""
    x, layers = numbers(2, 8, 8, 4), []
    for dtype in (f"mixed_{kind}", "float32"):
        layers.append(Conv2D(1, 3, dtype=dtype))
        layers[-1].build(x.shape)
        layers[-1].set_weights(layers[0].get_weights())
        layers[-1](x).float().square().sum().backward()
    half, full = ([w.value.grad for w in layer.weights] for layer in layers)
    for one, other in zip(half, full, strict=True):
        torch.testing.assert_close(one, other, rtol=0.05, atol=0.05 * float(other.abs().max()))


def test_matrix_product_has_the_right_gradients() -> None:
    layer = Conv2D(20, 3, strides=2, padding="valid", dtype="float64")
    x = torch.randn(1, 5, 4, 2, dtype=torch.float64, requires_grad=True)
    layer.build(x.shape)
    kernel = torch.randn(3, 3, 2, 20, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(20, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer._matrix_product, (x, kernel, bias))
    expected = torch.nn.functional.conv2d(
        x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), bias, stride=2
    )
    product = layer._matrix_product(x, kernel, bias)
    torch.testing.assert_close(product.permute(0, 3, 1, 2), expected)


@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise_convolution(multiplier: int) -> None:
    x = numbers(2, 6, 5, 3)
    layer = DepthwiseConv2D(3, strides=2, depth_multiplier=multiplier)
    result, (kernel, bias) = run(layer, x)
    assert_close(result, depthwise(x, kernel, 2) + bias)


def test_initialisers_are_the_ones_that_are_asked_for() -> None:
    assert isinstance(Conv2D(8, 3).kernel_initializer, keras.initializers.HeUniform)
    assert isinstance(Conv2D(8, 3, icnr_init=True).kernel_initializer, keras.initializers.HeUniform)
    aware = Conv2D(8, 3, conv_aware_init=True)
    assert isinstance(aware.kernel_initializer, ConvolutionAware)
    given = Conv2D(8, 3, conv_aware_init=True, kernel_initializer="zeros")
    assert isinstance(given.kernel_initializer, keras.initializers.Zeros)
    wrapped = Conv2D(8, 3, check_icnr_init=True, icnr_init=True, conv_aware_init=True)
    assert isinstance(wrapped.kernel_initializer, ICNR)
    assert isinstance(wrapped.kernel_initializer.initializer, ConvolutionAware)
    depth = DepthwiseConv2D(3, conv_aware_init=True).depthwise_initializer
    assert isinstance(depth.initializer, ConvolutionAware)


@pytest.mark.parametrize("scale", [2, 3])
def test_icnr_makes_an_untrained_upscale_repeat_pixels(scale: int) -> None:
    input_ = keras.Input((4, 4, 5))
    block = UpscaleBlock(3, scale_factor=scale, icnr_init=True, conv_aware_init=True)
    result = keras.ops.convert_to_numpy(keras.Model(input_, block(input_))(numbers(2, 4, 4, 5)))
    repeated = result[:, ::scale, ::scale].repeat(scale, 1).repeat(scale, 2)
    assert_close(result, repeated)
    assert result.std() > 0.1


def test_output_block() -> None:
    x = numbers(2, 5, 5, 3)
    result, (kernel, bias) = run(Conv2DOutput(2, 5, name="face_out_a"), x)
    assert_close(result, expit(convolved(x, kernel, bias)))


@pytest.fixture
def mixed() -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.usefixtures("mixed")
def test_output_is_float32_under_mixed_precision_and_bears_the_name() -> None:
    input_ = keras.Input((4, 4, 3))
    x = Conv2DBlock(4, 3)(input_)
    model = keras.Model(input_, Conv2DOutput(3, 3, name="face_out_a")(x))
    assert model.output_names == ["face_out_a"]
    assert [layer.name for layer in model.layers][-2:] == ["face_out_a_conv2d", "face_out_a"]
    assert (x.dtype, model.output.dtype) == ("bfloat16", "float32")
    assert model(numbers(1, 4, 4, 3)).dtype == torch.float32


@pytest.mark.parametrize("reflect", [False, True])
def test_convolution_block(reflect: bool) -> None:
    x = numbers(2, 8, 8, 3)
    result, (kernel, bias) = run(Conv2DBlock(4, reflect_padding=reflect), x)
    mode = "reflect" if reflect else "constant"
    assert_close(result, leaky(convolved(x, kernel, bias, 2, mode)))


def test_convolution_block_with_batch_normalisation_and_swish() -> None:
    x = numbers(2, 6, 6, 3)
    block = Conv2DBlock(4, 3, normalization="batch", activation="swish", use_bias=False)
    input_ = keras.Input(x.shape[1:])
    model = keras.Model(input_, block(input_))
    kernel, scale, centre, mean = (numbers(*w.shape) for w in model.get_weights()[:4])
    variance = numbers(4) ** 2
    model.set_weights([kernel, scale, centre, mean, variance])
    y = convolved(x, kernel, stride=2)
    y = (y - mean) / np.sqrt(variance + 1e-3) * scale + centre
    assert_close(keras.ops.convert_to_numpy(model(x)), y * expit(y))


def test_convolution_block_with_instance_normalisation_and_prelu() -> None:
    x = numbers(2, 6, 6, 3)
    block = Conv2DBlock(4, 3, normalization="instance", activation="prelu")
    result, (kernel, bias, scale, centre, slopes) = run(block, x)
    y = convolved(x, kernel, bias, 2)
    y = (y - y.mean((1, 2), keepdims=True)) / np.sqrt(y.var((1, 2), keepdims=True) + 1e-3)
    y = y * scale + centre
    assert slopes.shape == (1, 1, 4)
    assert_close(result, np.where(y > 0, y, slopes * y))


def test_convolution_block_depthwise_without_activation() -> None:
    x = numbers(2, 6, 6, 3)
    block = Conv2DBlock(6, 3, use_depthwise=True, activation=None)
    result, (kernel, bias) = run(block, x)
    assert_close(result, depthwise(x, kernel, 2) + bias)


def test_separable_block() -> None:
    x = numbers(2, 7, 6, 3)
    result, (kernel, pointwise, bias) = run(SeparableConv2DBlock(4), x)
    expected = np.maximum(convolved(depthwise(x, kernel, 2), pointwise, bias), 0)
    assert_close(result, expected)


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("reflect", [False, True])
def test_upscale_block(scale: int, reflect: bool) -> None:
    x = numbers(2, 4, 5, 6)
    result, (kernel, bias) = run(UpscaleBlock(3, scale_factor=scale, reflect_padding=reflect), x)
    mode = "reflect" if reflect else "constant"
    assert_close(result, shuffled(leaky(convolved(x, kernel, bias, 1, mode)), scale))


def test_upscale_block_normalises_before_the_activation() -> None:
    x = numbers(2, 4, 4, 3)
    result, (kernel, bias, scale, centre) = run(UpscaleBlock(2, normalization="instance"), x)
    y = convolved(x, kernel, bias)
    y = (y - y.mean((1, 2), keepdims=True)) / np.sqrt(y.var((1, 2), keepdims=True) + 1e-3)
    assert_close(result, shuffled(leaky(y * scale + centre), 2))


def test_upscale_block_has_the_parameters_of_its_convolution() -> None:
    input_ = keras.Input((4, 4, 1024))
    model = keras.Model(input_, UpscaleBlock(512)(input_))
    assert model.count_params() == 1024 * 2048 * 9 + 2048
    assert model.output_shape == (None, 8, 8, 512)


def test_upscale_2x_block_concatenates_sharp_and_smooth() -> None:
    x = numbers(2, 4, 5, 3)
    result, weights = run(Upscale2xBlock(5, sr_ratio=0.5), x)
    sharp = next(i for i, weight in enumerate(weights) if weight.shape == (3, 3, 3, 8))
    smooth = next(i for i, weight in enumerate(weights) if weight.shape == (3, 3, 3, 3))
    left = shuffled(leaky(convolved(x, *weights[sharp : sharp + 2])), 2)
    right = doubled(leaky(convolved(x, *weights[smooth : smooth + 2])))
    assert_close(result, np.concatenate([left, right], axis=-1))


def test_upscale_2x_block_fast_adds_sharp_and_smooth() -> None:
    x = numbers(2, 4, 5, 3)
    result, weights = run(Upscale2xBlock(5, fast=True), x)
    sharp = next(i for i, weight in enumerate(weights) if weight.shape == (3, 3, 3, 20))
    smooth = next(i for i, weight in enumerate(weights) if weight.shape == (1, 1, 3, 5))
    left = shuffled(leaky(convolved(x, *weights[sharp : sharp + 2])), 2)
    assert_close(result, left + doubled(convolved(x, *weights[smooth : smooth + 2])))


def test_upscale_2x_block_may_be_of_one_kind() -> None:
    x = numbers(2, 4, 4, 3)
    result, weights = run(Upscale2xBlock(5, sr_ratio=1), x)
    assert_close(result, shuffled(leaky(convolved(x, *weights)), 2))
    result, weights = run(Upscale2xBlock(5, sr_ratio=0), x)
    assert_close(result, doubled(leaky(convolved(x, *weights))))


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_upscale_resize_images_block(kernel_size: int) -> None:
    x = numbers(2, 4, 5, 3)
    result, weights = run(UpscaleResizeImagesBlock(4, kernel_size), x)
    shapes = [weight.shape for weight in weights]
    plain = shapes.index((kernel_size, kernel_size, 3, 4))
    back = shapes.index((kernel_size, kernel_size, 4, 3))
    resized = convolved(doubled(x), *weights[plain : plain + 2])
    assert_close(result, leaky(resized + transposed(x, *weights[back : back + 2])))


@pytest.mark.parametrize("reflect", [False, True])
def test_residual_block(reflect: bool) -> None:
    x = numbers(2, 5, 5, 3)
    result, (first, bias, second, bias_2) = run(ResidualBlock(3, reflect_padding=reflect), x)
    mode = "reflect" if reflect else "constant"
    y = leaky(convolved(x, first, bias, 1, mode), 0.2)
    assert_close(result, leaky(convolved(y, second, bias_2, 1, mode) + x, 0.2))


@pytest.mark.parametrize("block", [Conv2DBlock, UpscaleBlock])
def test_unknown_names_are_answered_with_the_allowed_ones(block: Callable[..., Any]) -> None:
    with pytest.raises(FaceswapError, match="activation 'relu7'.*leakyrelu, swish, prelu, None"):
        block(8, activation="relu7")
    with pytest.raises(FaceswapError, match="normalization 'group'.*batch, instance, None"):
        block(8, normalization="group")


def test_other_mistakes_are_explained() -> None:
    with pytest.raises(FaceswapError, match="sr_ratio 1.5.*0 to 1"):
        Upscale2xBlock(8, sr_ratio=1.5)
    with pytest.raises(FaceswapError, match="8 filters of 3 channels"):
        Conv2DBlock(8, use_depthwise=True)(keras.Input((8, 8, 3)))


def test_a_name_is_the_first_part_of_the_layers_names() -> None:
    input_ = keras.Input((8, 8, 4))
    x = Conv2DBlock(4, normalization="batch", name="down")(input_)
    x = Upscale2xBlock(4, name="up")(x)
    names = {layer.name for layer in keras.Model(input_, x).layers}
    assert names >= {"down_conv2d", "down_norm", "down_activation"}
    assert names >= {"up_subpixel_conv2d", "up_subpixel_shuffle", "up_upsampling"}


def test_a_saved_model_of_all_blocks_comes_back_the_same(tmp_path: Path) -> None:
    options = {"reflect_padding": True, "icnr_init": True, "conv_aware_init": True}
    input_ = keras.Input((16, 16, 3))
    x = Conv2DBlock(8, 3, normalization="instance", activation="prelu", **options)(input_)
    x = Conv2DBlock(16, 3, 1, use_depthwise=True, activation="swish", **options)(x)
    x = SeparableConv2DBlock(8, 3, **options)(x)
    x = ResidualBlock(8, **options)(x)
    x = UpscaleBlock(4, normalization="batch", **options)(x)
    x = Upscale2xBlock(4, **options)(Upscale2xBlock(4, fast=True, **options)(x))
    x = UpscaleResizeImagesBlock(4, **options)(x)
    model = keras.Model(input_, Conv2DOutput(3, 3, name="face_out_a", **options)(x))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    pictures = numbers(2, 16, 16, 3)
    expected = keras.ops.convert_to_numpy(model(pictures))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again(pictures)), expected)
    assert [type(part) for part in again.layers] == [type(part) for part in model.layers]
    assert again.output_names == ["face_out_a"]


def test_the_public_names_are_the_documented_ones() -> None:
    blocks = "Conv2DOutput Conv2DBlock SeparableConv2DBlock UpscaleBlock Upscale2xBlock"
    others = "Conv2D DepthwiseConv2D UpscaleResizeImagesBlock ResidualBlock PixelShuffler"
    rest = "ReflectionPadding2D InstanceNormalization ICNR ConvolutionAware"
    assert set(nn_blocks.__all__) == set(f"{blocks} {others} {rest}".split())
