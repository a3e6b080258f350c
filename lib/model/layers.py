"""Layers that Keras lacks, and a faster convolution.

Pictures are ``(batch, height, width, channels)``.
"""

import math
from typing import Any

import keras
import torch
from keras import ops
from torch.nn import functional as F

from lib.device import has_bfloat16_units
from lib.errors import FaceswapError
from lib.model.initializers import ICNR, ConvolutionAware, Depthwise


def default_initializer(conv_aware_init: bool) -> keras.initializers.Initializer:
    """Make the initialiser of a kernel for which none is asked."""
    return ConvolutionAware() if conv_aware_init else keras.initializers.HeUniform()


def same_padding(size: int, kernel_size: int, stride: int) -> tuple[int, int]:
    """Pixels to add before and after, so that a convolution gives ``ceil(size / stride)`` outputs.

    An odd one goes after, as TensorFlow and Keras do for padding "same".
    """
    total = max((-(-size // stride) - 1) * stride + kernel_size - size, 0)
    return total // 2, total - total // 2


@keras.saving.register_keras_serializable(package="faceswap")
class Conv2D(keras.layers.Conv2D):
    """Two-dimensional convolution, with the initialiser that the options ask for.

    Parameters
    ----------
    *args
        Filters, kernel size and so on, as for ``keras.layers.Conv2D``.
    padding
        "same" or "valid".
    check_icnr_init
        Whether a pixel shuffle follows, so that `icnr_init` applies.
    **kwargs
        ``icnr_init`` (False) starts the filters of an upscale as `ICNR` does, for a pixel shuffle
        by ``icnr_scale`` (2); ``conv_aware_init`` (False) draws with `ConvolutionAware` in place of
        He's uniform distribution. All others as for ``keras.layers.Conv2D``.
    """

    def __init__(
        self, *args: Any, padding: str = "same", check_icnr_init: bool = False, **kwargs: Any
    ) -> None:
        icnr_init, icnr_scale = kwargs.pop("icnr_init", False), kwargs.pop("icnr_scale", 2)
        initializer = default_initializer(kwargs.pop("conv_aware_init", False))
        initializer = kwargs.pop("kernel_initializer", initializer)
        if check_icnr_init and icnr_init:
            initializer = ICNR(initializer, icnr_scale)
        super().__init__(*args, padding=padding, kernel_initializer=initializer, **kwargs)

    def call(self, inputs: Any) -> Any:
        """Convolve, add the bias and apply the activation.

        Keras' own call copies what comes in into another layout and back, and adds the bias in a
        pass of its own. PyTorch takes pictures as they lie, and the bias with them: 0.9 of the
        time of `compact`. On a CPU, where outputs are few and filters many, PyTorch's convolution
        spends its time on rearranging the kernel, and a matrix product, which makes no copy of it,
        is faster: `original`, batch 16, forward and backward, one thread, 2.7 s of CPU time
        instead of 3.5 s. With more outputs than filters, gathering patches costs more than it
        saves.
        """
        if self.data_format != "channels_last":
            return super().call(inputs)
        kernel = ops.convert_to_tensor(self.kernel)
        bias = ops.convert_to_tensor(self.bias) if self.use_bias else None
        padded, padding = self._padded(inputs)
        outputs = math.prod(self.compute_output_shape(tuple(inputs.shape))[:-1])
        is_plain = self.groups == 1 and self.dilation_rate == (1, 1)
        is_better = self.filters == 1 if _is_makeshift(inputs.dtype) else outputs < self.filters
        if is_plain and is_better and inputs.device.type == "cpu":
            result = self._matrix_product(F.pad(padded, _around(padding)), kernel, bias)
        else:
            result = self._convolution(padded, padding, kernel, bias)
        return result if self.activation is None else self.activation(result)

    def _padded(self, inputs: Any) -> tuple[Any, list[int]]:
        """What is to be convolved, and how much PyTorch has to pad it on both sides."""
        if self.padding == "valid":
            return inputs, [0, 0]
        reach = [(k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation_rate, strict=True)]
        rows, columns = map(same_padding, inputs.shape[1:3], reach, self.strides)
        if rows[0] == rows[1] and columns[0] == columns[1]:
            return inputs, [rows[0], columns[0]]
        # PyTorch pads both sides alike; one pixel more at the end costs a copy.
        return F.pad(inputs, (0, 0, *columns, *rows)), [0, 0]

    def _convolution(self, inputs: Any, padding: list[int], kernel: Any, bias: Any) -> Any:
        result = F.conv2d(
            inputs.permute(0, 3, 1, 2),
            kernel.permute(3, 2, 0, 1),
            bias,
            self.strides,
            padding,
            self.dilation_rate,
            self.groups,
        )
        return result.permute(0, 2, 3, 1)

    def _matrix_product(self, inputs: Any, kernel: Any, bias: Any) -> Any:
        for axis in (1, 2):
            inputs = inputs.unfold(axis, self.kernel_size[axis - 1], self.strides[axis - 1])
        patches = inputs.permute(0, 1, 2, 4, 5, 3).flatten(3)
        result = patches @ kernel.reshape(-1, self.filters)
        return result if bias is None else result + bias


def _is_makeshift(dtype: torch.dtype) -> bool:
    """Whether PyTorch's convolution on this processor fails in the backward pass of one filter."""
    return dtype == torch.float16 or (dtype == torch.bfloat16 and not has_bfloat16_units())


def _around(padding: list[int]) -> tuple[int, ...]:
    """Padding of rows and columns as ``torch.nn.functional.pad`` takes it."""
    return 0, 0, padding[1], padding[1], padding[0], padding[0]


def DepthwiseConv2D(  # noqa: N802
    *args: Any, padding: str = "same", **kwargs: Any
) -> keras.layers.DepthwiseConv2D:
    """Make a depthwise convolution, with the initialiser that the options ask for.

    Parameters
    ----------
    *args
        Kernel size and so on, as for ``keras.layers.DepthwiseConv2D``.
    padding
        "same" or "valid".
    **kwargs
        ``conv_aware_init`` (False) draws with `ConvolutionAware` in place of He's uniform
        distribution. All others as for ``keras.layers.DepthwiseConv2D``.

    Returns
    -------
    keras.layers.DepthwiseConv2D
    """
    initializer = Depthwise(default_initializer(kwargs.pop("conv_aware_init", False)))
    kwargs.setdefault("depthwise_initializer", initializer)
    return keras.layers.DepthwiseConv2D(*args, padding=padding, **kwargs)


@keras.saving.register_keras_serializable(package="faceswap")
class PixelShuffler(keras.layers.Layer):
    """Make a block of pixels of each pixel's channels: ``(h, w, size * size * c)`` to larger ones.

    Depth-to-space order, as in TensorFlow: channel ``(i * size + j) * c + k`` becomes channel k of
    the pixel in row i and column j of the block. PyTorch's own pixel shuffle has the order
    ``(k * size + i) * size + j``. This one moves whole runs of channels, and is the faster for it:
    42 ms forward and backward against 141 for 32 pictures of 32 x 32 x 256, on one thread.

    Parameters
    ----------
    size
        Height and width of a block.
    **kwargs
        As for ``keras.layers.Layer``.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, inputs: Any) -> Any:
        """Shuffle ``(batch, h, w, size * size * c)`` to ``(batch, size * h, size * w, c)``."""
        _, height, width, channels = inputs.shape
        size, filters = self.size, channels // self.size**2
        blocks = ops.reshape(inputs, (-1, height, width, size, size, filters))
        rows = ops.transpose(blocks, (0, 1, 3, 2, 4, 5))
        return ops.reshape(rows, (-1, height * size, width * size, filters))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Shape after the shuffle.

        Raises
        ------
        FaceswapError
            Where the channels do not divide among the pixels of a block.
        """
        batch, height, width, channels = input_shape
        if channels % self.size**2:
            raise FaceswapError(
                f"PixelShuffler({self.size}) cannot share {channels} channels among the "
                f"{self.size**2} pixels of a block: use a multiple of {self.size**2}"
            )
        height, width = (None if edge is None else edge * self.size for edge in (height, width))
        return batch, height, width, channels // self.size**2

    def get_config(self) -> dict[str, Any]:
        """Arguments to make an equal one of."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="faceswap")
class ReflectionPadding2D(keras.layers.Layer):
    """Mirror pictures at their edges, where padding "same" would add zeros.

    A "valid" convolution that follows gives ``ceil(size / stride)`` outputs, as "same" would.

    Parameters
    ----------
    stride
        Of that convolution.
    kernel_size
        Of that convolution.
    **kwargs
        As for ``keras.layers.Layer``.
    """

    def __init__(self, stride: int = 2, kernel_size: int = 5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stride = stride
        self.kernel_size = kernel_size

    def _padding(self, size: int) -> tuple[int, int]:
        padding = same_padding(size, self.kernel_size, self.stride)
        if max(padding) >= size:
            raise FaceswapError(
                f"An edge of {size} pixels is too short to mirror {max(padding)} of them for a "
                f"convolution of {self.kernel_size}: turn reflect_padding off"
            )
        return padding

    def call(self, inputs: Any) -> Any:
        """Mirror ``(batch, height, width, channels)``."""
        rows, columns = (self._padding(size) for size in inputs.shape[1:3])
        planes = F.pad(inputs.permute(0, 3, 1, 2), (*columns, *rows), mode="reflect")
        return planes.permute(0, 2, 3, 1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Shape with the mirrored edges.

        Raises
        ------
        FaceswapError
            Where an edge is too short to be mirrored.
        """
        batch, *edges, channels = input_shape
        padded = (None if edge is None else edge + sum(self._padding(edge)) for edge in edges)
        return batch, *padded, channels

    def get_config(self) -> dict[str, Any]:
        """Arguments to make an equal one of."""
        return {**super().get_config(), "stride": self.stride, "kernel_size": self.kernel_size}


@keras.saving.register_keras_serializable(package="faceswap")
class InstanceNormalization(keras.layers.Layer):
    """Give each channel of each picture mean 0 and variance 1, then a learned scale and centre.

    Parameters
    ----------
    epsilon
        Added to the variance.
    **kwargs
        As for ``keras.layers.Layer``.

    References
    ----------
    Ulyanov, Vedaldi, Lempitsky 2016, "Instance normalization: the missing ingredient for fast
    stylization", arXiv:1607.08022.
    """

    def __init__(self, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Make one scale and one centre a channel."""
        self.gamma = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="beta")

    def call(self, inputs: Any) -> Any:
        """Normalise ``(batch, height, width, channels)``; in float32, whatever comes in."""
        pixels = ops.cast(inputs, "float32")
        mean = ops.mean(pixels, axis=(1, 2), keepdims=True)
        deviation = ops.sqrt(ops.var(pixels, axis=(1, 2), keepdims=True) + self.epsilon)
        return ops.cast((pixels - mean) / deviation * self.gamma + self.beta, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape as it was."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Arguments to make an equal one of."""
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="faceswap")
class OutputActivation(keras.layers.Activation):
    """Activation of a model's output, in float32 whatever the other layers compute in.

    Parameters
    ----------
    activation
        Name of a Keras activation.
    **kwargs
        As for ``keras.layers.Activation``.
    """

    def __init__(self, activation: str, **kwargs: Any) -> None:
        super().__init__(activation, **{**kwargs, "dtype": "float32"})
