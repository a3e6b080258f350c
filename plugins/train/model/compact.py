"""A small model for machines without a GPU: 64 pixels in, 64 pixels out.

It keeps the documented shape, one shared encoder and two decoders, and spends its arithmetic where
measurements said that it lowers the held-out error fastest; ``docs/experiments.md`` has them. Two
cores train it at ten times the speed of ``original`` and more.
"""

from dataclasses import dataclass
from typing import Any

import keras

from lib.config.options import Options as OptionsBase
from lib.config.options import option
from lib.model.nn_blocks import Conv2DBlock, Conv2DOutput, UpscaleBlock
from plugins.train.model._base import KerasModel, ModelBase

CODE = (8, 8, 128)


@dataclass(frozen=True, kw_only=True)
class Options(OptionsBase):
    """Options of the compact model.

    They take the place of the global ones: a small model learns well at a rate that would ruin a
    large one.
    """

    mixed_precision: bool | None = option(
        None,
        "Compute in numbers of 16 bits where that is safe, and keep the weights in 32. 'none': "
        "where the device has units for bfloat16, as GPUs and some processors have; this model "
        "learns as well in them, in two thirds of the time.",
        changeable=True,
    )

    learning_rate: float = option(
        2e-3,
        "Size of each step of learning. This model's own; the one in [global] does not count for "
        "it. Lower it if the losses jump about or turn to nan.",
        minimum=1e-6,
        maximum=1e-1,
        changeable=True,
    )
    warmup_iterations: int = option(
        100,
        "Raise the learning rate from near 0 to its full value over this many iterations at the "
        "start of a model. This model's rate is too high to begin with.",
        minimum=0,
        maximum=1_000_000,
        changeable=True,
    )
    easing_iterations: int = option(
        500,
        "Lower the learning rate ever more slowly: to 71 per cent after this many iterations, to a "
        "half after three times as many. 0 never does.",
        minimum=0,
        maximum=100_000_000,
        changeable=True,
    )
    beta_1: float = option(
        0.9,
        "How long the optimizer remembers the direction of earlier steps, from 0 (not at all) "
        "towards 1 (for ever).",
        minimum=0,
        maximum=0.999,
        changeable=True,
    )
    beta_2: float = option(
        0.999,
        "How long the optimizer remembers the size of earlier steps, from 0 (not at all) towards "
        "1 (for ever).",
        minimum=0,
        maximum=0.99999,
        changeable=True,
    )


class Model(ModelBase):
    """Compact Faceswap model.

    Parameters
    ----------
    *args, **kwargs
        Passed on to `ModelBase`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.input_shape = (64, 64, 3)
        self.learn_mask = self.config["learn_mask"]
        self.block_options = {
            "reflect_padding": self.config["reflect_padding"],
            "conv_aware_init": self.config["conv_aware_init"],
        }
        self.upscale_options = {**self.block_options, "icnr_init": self.config["icnr_init"]}

    def build_model(self, inputs: list[Any]) -> keras.Model:
        """Wire the shared encoder to a decoder for each side."""
        encoder = self.encoder()
        outputs = [
            self.decoder(side)(encoder(input_)) for side, input_ in zip("ab", inputs, strict=True)
        ]
        return KerasModel(inputs, outputs, name=self.name)

    def encoder(self) -> keras.Model:
        """The shared encoder: takes ``(64, 64, 3)``, gives ``(8, 8, 128)``."""
        input_ = keras.Input(shape=self.input_shape)
        # Values about 0 learn faster than those from 0 to 1.
        var_x = keras.layers.Rescaling(2, -1)(input_)
        for filters in (32, 64, 128, 256):
            var_x = Conv2DBlock(filters, **self.block_options)(var_x)
        var_x = keras.layers.Flatten()(var_x)
        var_x = keras.layers.Dense(256)(var_x)
        var_x = keras.layers.Dense(CODE[0] * CODE[1] * CODE[2])(var_x)
        var_x = keras.layers.LeakyReLU(0.1)(var_x)
        var_x = keras.layers.Reshape(CODE)(var_x)
        return KerasModel(input_, var_x, name="encoder")

    def decoder(self, side: str) -> keras.Model:
        """One side's decoder: takes ``(8, 8, 128)``, gives ``(64, 64, 3)`` (and its mask)."""
        input_ = keras.Input(shape=CODE)
        outputs = [self._upscaled(input_, 3, f"face_out_{side}")]
        if self.learn_mask:
            outputs.append(self._upscaled(input_, 1, f"mask_out_{side}"))
        return KerasModel(input_, outputs, name=f"decoder_{side}")

    def _upscaled(self, var_x: Any, channels: int, name: str) -> Any:
        for filters in (96, 48, 16):
            var_x = UpscaleBlock(filters, **self.upscale_options)(var_x)
        return Conv2DOutput(channels, 3, name=name)(var_x)
