"""What all blocks share: their keywords, normalisations and activations."""

from collections.abc import Callable
from typing import Any

import keras

from lib.errors import FaceswapError
from lib.model.layers import (
    Conv2D,
    InstanceNormalization,
    ReflectionPadding2D,
)

ACTIVATIONS: dict[str | None, Callable[..., Any] | None] = {
    "leakyrelu": lambda **kwargs: keras.layers.LeakyReLU(0.1, **kwargs),
    "swish": lambda **kwargs: keras.layers.Activation("swish", **kwargs),
    "prelu": lambda **kwargs: keras.layers.PReLU(shared_axes=[1, 2], **kwargs),
    None: None,
}
NORMALIZATIONS: dict[str | None, Callable[..., Any] | None] = {
    "batch": keras.layers.BatchNormalization,
    "instance": InstanceNormalization,
    None: None,
}


def chosen(known: dict[str | None, Any], kind: str, name: str | None) -> Any:
    """Look up what a user named; `FaceswapError` tells the names that are known."""
    if name not in known:
        allowed = ", ".join(str(key) for key in known)
        raise FaceswapError(f"Unknown {kind} {name!r} of a block: use one of {allowed}")
    return known[name]


class Block:
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
