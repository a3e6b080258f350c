"""Building blocks of models: ``Block(...)(x)`` adds a few layers to a Keras tensor.

A block takes all that it needs as arguments, and each takes these as further keywords:

reflect_padding
    Mirror the edges where padding "same" would add zeros (False).
icnr_init
    Start the filters of upscales as `ICNR` does (False).
conv_aware_init
    Draw kernels with `ConvolutionAware`, not from He's uniform distribution (False).
name
    First part of the names of the block's layers (Keras finds names where it is None).

Further keywords go to the block's convolutions. Pictures are ``(batch, height, width, channels)``.
"""

from collections.abc import Callable
from typing import Any

import keras

from lib.errors import FaceswapError
from lib.model.initializers import ICNR, ConvolutionAware, Depthwise
from lib.model.layers import (
    Conv2D,
    DepthwiseConv2D,
    InstanceNormalization,
    PixelShuffler,
    ReflectionPadding2D,
    default_initializer,
)

__all__ = [
    "ICNR",
    "Conv2D",
    "Conv2DBlock",
    "Conv2DOutput",
    "ConvolutionAware",
    "DepthwiseConv2D",
    "InstanceNormalization",
    "PixelShuffler",
    "ReflectionPadding2D",
    "ResidualBlock",
    "SeparableConv2DBlock",
    "Upscale2xBlock",
    "UpscaleBlock",
    "UpscaleResizeImagesBlock",
]

_ACTIVATIONS: dict[str | None, Callable[..., Any] | None] = {
    "leakyrelu": lambda **kwargs: keras.layers.LeakyReLU(0.1, **kwargs),
    "swish": lambda **kwargs: keras.layers.Activation("swish", **kwargs),
    "prelu": lambda **kwargs: keras.layers.PReLU(shared_axes=[1, 2], **kwargs),
    None: None,
}
_NORMALIZATIONS: dict[str | None, Callable[..., Any] | None] = {
    "batch": keras.layers.BatchNormalization,
    "instance": InstanceNormalization,
    None: None,
}


def _chosen(known: dict[str | None, Any], kind: str, name: str | None) -> Any:
    if name not in known:
        allowed = ", ".join(str(key) for key in known)
        raise FaceswapError(f"Unknown {kind} {name!r} of a block: use one of {allowed}")
    return known[name]


class _Block:
    """What all blocks share: the further keywords, and how a convolution is made of them."""

    def __init__(
        self,
        padding: str,
        *,
        reflect_padding: bool = False,
        icnr_init: bool = False,
        conv_aware_init: bool = False,
        name: str | None = None,
        **options: Any,
    ) -> None:
        self._reflect = reflect_padding and padding == "same"
        self._padding = "valid" if self._reflect else padding
        self._icnr_init = icnr_init
        self._conv_aware_init = conv_aware_init
        self._name = name
        self._options = options

    def _part(self, part: str) -> str | None:
        return f"{self._name}_{part}" if self._name else None

    def _padded(self, x: Any, kernel_size: int, strides: int = 1) -> Any:
        return ReflectionPadding2D(strides, kernel_size)(x) if self._reflect else x

    def _convolution(
        self,
        x: Any,
        *args: Any,
        kernel_size: int,
        strides: int = 1,
        layer: Callable[..., Any] = Conv2D,
        part: str = "conv2d",
        **kwargs: Any,
    ) -> Any:
        convolution = layer(
            *args,
            kernel_size=kernel_size,
            strides=strides,
            padding=self._padding,
            conv_aware_init=self._conv_aware_init,
            name=self._part(part),
            **self._options,
            **kwargs,
        )
        return convolution(self._padded(x, kernel_size, strides))

    def _followed(self, x: Any, *layers: tuple[Callable[..., Any] | None, str]) -> Any:
        for layer, part in layers:
            if layer is not None:
                x = layer(name=self._part(part))(x)
        return x


class Conv2DOutput(_Block):
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
        return keras.layers.Activation(self._activation, dtype="float32", name=self._name)(x)


class Conv2DBlock(_Block):
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
        self._normalization = _chosen(_NORMALIZATIONS, "normalization", normalization)
        self._activation = _chosen(_ACTIVATIONS, "activation", activation)
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


class SeparableConv2DBlock(_Block):
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


class UpscaleBlock(_Block):
    """Enlarge by sub-pixel convolution: convolution, normalisation, activation, pixel shuffle.

    Parameters
    ----------
    filters
        Channels of the result.
    kernel_size
        Edge of the kernel in pixels.
    padding
        "same" or "valid".
    scale_factor
        Pixels of the result for each pixel's edge.
    normalization
        "batch", "instance" or None.
    activation
        "leakyrelu" (slope 0.1), "swish", "prelu" (one slope a channel) or None.
    **kwargs
        As for every block.

    References
    ----------
    Shi et al. 2016, "Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network", arXiv:1609.05158.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        padding: str = "same",
        scale_factor: int = 2,
        normalization: str | None = None,
        activation: str | None = "leakyrelu",
        **kwargs: Any,
    ) -> None:
        super().__init__(padding, **kwargs)
        self._filters = filters
        self._kernel_size = kernel_size
        self._scale = scale_factor
        self._normalization = _chosen(_NORMALIZATIONS, "normalization", normalization)
        self._activation = _chosen(_ACTIVATIONS, "activation", activation)

    def __call__(self, x: Any) -> Any:
        """Add the block to a Keras tensor; the result has `filters` channels."""
        x = self._convolution(
            x,
            self._filters * self._scale**2,
            kernel_size=self._kernel_size,
            check_icnr_init=True,
            icnr_init=self._icnr_init,
            icnr_scale=self._scale,
        )
        x = self._followed(x, (self._normalization, "norm"), (self._activation, "activation"))
        return PixelShuffler(self._scale, name=self._part("shuffle"))(x)


class Upscale2xBlock(_Block):
    """Enlarge in two ways: sharply by an `UpscaleBlock`, smoothly by interpolation.

    The first makes `sr_ratio` of the filters; the others come of a convolution and an activation,
    which are interpolated then, because that is cheaper than to convolve the larger picture.
    The two are concatenated in this order.

    Parameters
    ----------
    filters
        Channels of the result.
    kernel_size
        Edge of the kernels in pixels.
    padding
        "same" or "valid".
    interpolation
        "bilinear", "bicubic" or "nearest".
    activation
        "leakyrelu" (slope 0.1), "swish", "prelu" (one slope a channel) or None.
    sr_ratio
        Part of the filters, 0 to 1, that the sub-pixel convolution makes.
    scale_factor
        Pixels of the result for each pixel's edge.
    fast
        Make all filters in both ways, the smooth ones by a 1 x 1 convolution without activation,
        and add the two; `sr_ratio` plays no part then.
    **kwargs
        As for every block.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        padding: str = "same",
        interpolation: str = "bilinear",
        activation: str | None = "leakyrelu",
        sr_ratio: float = 0.5,
        scale_factor: int = 2,
        fast: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(padding, **kwargs)
        if not 0 <= sr_ratio <= 1:
            raise FaceswapError(f"sr_ratio {sr_ratio} of an upscale is no part: use 0 to 1")
        self._filters = filters
        self._kernel_size = kernel_size
        self._interpolation = interpolation
        self._activation = _chosen(_ACTIVATIONS, "activation", activation)
        self._sharp_filters = filters if fast else int(filters * sr_ratio)
        self._scale = scale_factor
        self._fast = fast
        self._sharp = {
            **kwargs,
            "kernel_size": kernel_size,
            "padding": padding,
            "activation": activation,
            "scale_factor": scale_factor,
            "name": self._part("subpixel"),
        }

    def __call__(self, x: Any) -> Any:
        """Add the block to a Keras tensor; the result has `filters` channels."""
        if self._fast:
            return keras.layers.Add(name=self._part("add"))([self._sharpened(x), self._smooth(x)])
        ways = [self._sharpened] * (self._sharp_filters > 0)
        ways += [self._smooth] * (self._sharp_filters < self._filters)
        branches = [way(x) for way in ways]
        if len(branches) == 1:
            return branches[0]
        return keras.layers.Concatenate(name=self._part("concatenate"))(branches)

    def _sharpened(self, x: Any) -> Any:
        return UpscaleBlock(self._sharp_filters, **self._sharp)(x)

    def _smooth(self, x: Any) -> Any:
        if self._fast:
            x = self._convolution(x, self._filters, kernel_size=1)
        else:
            filters = self._filters - self._sharp_filters
            x = self._convolution(x, filters, kernel_size=self._kernel_size)
            x = self._followed(x, (self._activation, "activation"))
        return keras.layers.UpSampling2D(
            self._scale, interpolation=self._interpolation, name=self._part("upsampling")
        )(x)


class UpscaleResizeImagesBlock(_Block):
    """Enlarge by interpolation and a convolution, plus a transposed convolution that adds detail.

    The sum of the two goes through the activation. A transposed convolution alone leaves a
    checkerboard; interpolation alone is soft.

    Parameters
    ----------
    filters
        Channels of the result.
    kernel_size
        Edge of both kernels in pixels.
    padding
        "same".
    activation
        "leakyrelu" (slope 0.1), "swish", "prelu" (one slope a channel) or None.
    scale_factor
        Pixels of the result for each pixel's edge.
    interpolation
        "bilinear", "bicubic" or "nearest".
    **kwargs
        As for every block; `reflect_padding` concerns the convolution alone.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        padding: str = "same",
        activation: str | None = "leakyrelu",
        scale_factor: int = 2,
        interpolation: str = "bilinear",
        **kwargs: Any,
    ) -> None:
        super().__init__(padding, **kwargs)
        self._filters = filters
        self._kernel_size = kernel_size
        self._activation = _chosen(_ACTIVATIONS, "activation", activation)
        self._scale = scale_factor
        self._interpolation = interpolation

    def __call__(self, x: Any) -> Any:
        """Add the block to a Keras tensor; the result has `filters` channels."""
        resized = keras.layers.UpSampling2D(
            self._scale, interpolation=self._interpolation, name=self._part("upsampling")
        )(x)
        resized = self._convolution(resized, self._filters, kernel_size=self._kernel_size)
        detail = keras.layers.Conv2DTranspose(
            self._filters,
            self._kernel_size,
            strides=self._scale,
            padding="same",
            kernel_initializer=default_initializer(self._conv_aware_init),
            name=self._part("transpose"),
            **self._options,
        )(x)
        total = keras.layers.Add(name=self._part("add"))([resized, detail])
        return self._followed(total, (self._activation, "activation"))


class ResidualBlock(_Block):
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
