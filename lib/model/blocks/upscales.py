"""Blocks that enlarge the picture."""

from typing import Any

import keras

from lib.errors import FaceswapError
from lib.model.blocks.base import ACTIVATIONS, NORMALIZATIONS, Block, chosen
from lib.model.layers import (
    PixelShuffler,
    default_initializer,
)


class UpscaleBlock(Block):
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
        self._normalization = chosen(NORMALIZATIONS, "normalization", normalization)
        self._activation = chosen(ACTIVATIONS, "activation", activation)

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


class Upscale2xBlock(Block):
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
        self._activation = chosen(ACTIVATIONS, "activation", activation)
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


class UpscaleResizeImagesBlock(Block):
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
        self._activation = chosen(ACTIVATIONS, "activation", activation)
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
