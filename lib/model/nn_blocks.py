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

from lib.model.blocks.convolutions import (
    Conv2DBlock,
    Conv2DOutput,
    ResidualBlock,
    SeparableConv2DBlock,
)
from lib.model.blocks.upscales import Upscale2xBlock, UpscaleBlock, UpscaleResizeImagesBlock
from lib.model.initializers import ICNR, ConvolutionAware
from lib.model.layers import (
    Conv2D,
    DepthwiseConv2D,
    InstanceNormalization,
    PixelShuffler,
    ReflectionPadding2D,
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
