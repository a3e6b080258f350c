"""Blocks that convolve: encoders, residues and outputs."""

from typing import Any

import keras

from lib.errors import FaceswapError
from lib.model.blocks.base import ACTIVATIONS, NORMALIZATIONS, Block, chosen
from lib.model.initializers import Depthwise
from lib.model.layers import (
    DepthwiseConv2D,
    OutputActivation,
    default_initializer,
)


class Conv2DOutput(Block):
    """Last block of every output of a model.

    The activation is computed in float32 under any policy, so that mixed precision is safe.

    Parameters
    ----------
    filters
        Channels of the output.
    kernel_size
        Edge of the kernel in pixels.
    activation
        Name of a Keras activation.
    padding
        "same" or "valid".
    **kwargs
        As for every block; but `name` is the name of the activation, and so of the output.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        activation: str = "sigmoid",
        padding: str = "same",
        **kwargs: Any,
    ) -> None:
        super().__init__(padding, **kwargs)
        self._filters = filters
        self._kernel_size = kernel_size
        self._activation = activation

    def __call__(self, x: Any) -> Any:
        """Add the block to a Keras tensor; the result is ``(batch, height, width, filters)``."""
        x = self._convolution(x, self._filters, kernel_size=self._kernel_size)
        return OutputActivation(self._activation, name=self._name)(x)


class Conv2DBlock(Block):
    """A convolution, which halves the picture unless told otherwise, normalisation and activation.

    Parameters
    ----------
    filters
        Channels of the result.
    kernel_size
        Edge of the kernel in pixels.
    strides
        Pixels from one output to the next.
    padding
        "same" or "valid".
    normalization
        "batch", "instance" or None.
    activation
        "leakyrelu" (slope 0.1), "swish", "prelu" (one slope a channel) or None.
    use_depthwise
        Filter each channel by itself; `filters` is then a multiple of the channels that come in.
    **kwargs
        As for every block.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 5,
        strides: int = 2,
        padding: str = "same",
        normalization: str | None = None,
        activation: str | None = "leakyrelu",
        use_depthwise: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(padding, **kwargs)
        self._filters = filters
        self._size: dict[str, Any] = {"kernel_size": kernel_size, "strides": strides}
        self._normalization = chosen(NORMALIZATIONS, "normalization", normalization)
        self._activation = chosen(ACTIVATIONS, "activation", activation)
        self._use_depthwise = use_depthwise

    def __call__(self, x: Any) -> Any:
        """Add the block to a Keras tensor; the result has `filters` channels."""
        if self._use_depthwise:
            x = self._depthwise(x)
        else:
            x = self._convolution(x, self._filters, **self._size)
        return self._followed(x, (self._normalization, "norm"), (self._activation, "activation"))

    def _depthwise(self, x: Any) -> Any:
        multiplier, rest = divmod(self._filters, x.shape[-1])
        if rest:
            raise FaceswapError(
                f"A depthwise convolution cannot make {self._filters} filters of {x.shape[-1]} "
                "channels: use a multiple of the channels"
            )
        return self._convolution(
            x, layer=DepthwiseConv2D, depth_multiplier=multiplier, part="depthwise", **self._size
        )


class SeparableConv2DBlock(Block):
    """A depthwise convolution, a 1 x 1 convolution and ReLU.

    Parameters
    ----------
    filters
        Channels of the result.
    kernel_size
        Edge of the depthwise kernel in pixels.
    strides
        Pixels from one output to the next.
    **kwargs
        As for every block.
    """

    def __init__(self, filters: int, kernel_size: int = 5, strides: int = 2, **kwargs: Any) -> None:
        super().__init__("same", **kwargs)
        self._filters = filters
        self._kernel_size = kernel_size
        self._strides = strides

    def __call__(self, x: Any) -> Any:
        """Add the block to a Keras tensor; the result has `filters` channels."""
        convolution = keras.layers.SeparableConv2D(
            self._filters,
            self._kernel_size,
            strides=self._strides,
            padding=self._padding,
            depthwise_initializer=Depthwise(default_initializer(self._conv_aware_init)),
            pointwise_initializer=default_initializer(self._conv_aware_init),
            name=self._part("separable"),
            **self._options,
        )
        x = convolution(self._padded(x, self._kernel_size, self._strides))
        return self._followed(x, (keras.layers.ReLU, "activation"))


class ResidualBlock(Block):
    """Two convolutions with a shortcut past them; LeakyReLU of slope 0.2 after each.

    Parameters
    ----------
    filters
        Channels of what comes in, and of the result.
    kernel_size
        Edge of the kernels in pixels.
    padding
        "same".
    **kwargs
        As for every block.

    References
    ----------
    He et al. 2016, "Deep residual learning for image recognition", arXiv:1512.03385.
    """

    def __init__(
        self, filters: int, kernel_size: int = 3, padding: str = "same", **kwargs: Any
    ) -> None:
        super().__init__(padding, **kwargs)
        self._filters = filters
        self._kernel_size = kernel_size

    def __call__(self, x: Any) -> Any:
        """Add the block to a Keras tensor; the shape stays as it is."""
        y = self._convolution(x, self._filters, kernel_size=self._kernel_size, part="conv2d_0")
        y = keras.layers.LeakyReLU(0.2, name=self._part("activation_0"))(y)
        y = self._convolution(y, self._filters, kernel_size=self._kernel_size, part="conv2d_1")
        y = keras.layers.Add(name=self._part("add"))([x, y])
        return keras.layers.LeakyReLU(0.2, name=self._part("activation_1"))(y)
