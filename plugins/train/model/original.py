"""The original face-swap model, annotated: copy this file to write a model of your own.

A model plugin is one file. Its name is the model's name on the command line (``-t original``) and
of the files that are saved. It holds a class ``Model`` and, where the model has options of its own,
a dataclass ``Options``, which becomes the section ``[model.<name>]`` of ``train.ini``.

The idea of this network: one encoder, shared by both sides, learns what two people have in common,
namely pose, expression and light. Two decoders, one a side, each learn what is one person's own.
A swap is one person's face through the encoder and the other person's decoder.
"""

from dataclasses import dataclass
from typing import Any

import keras

from lib.config.options import Options as OptionsBase
from lib.config.options import option
from lib.model.nn_blocks import Conv2DBlock, Conv2DOutput, UpscaleBlock
from plugins.train.model._base import KerasModel, ModelBase


@dataclass(frozen=True, kw_only=True)
class Options(OptionsBase):
    """Options of the original model."""

    # Each field is one line of train.ini with its help above it, and this docstring stands over
    # the section. The model finds their values in self.config, among those of the global options.
    lowmem: bool = option(
        False,
        "Leave the widest convolution out and halve the bottleneck: less memory and faster, with "
        "less detail.",
    )


class Model(ModelBase):
    """Original Faceswap model: 64 pixels in, 64 pixels out.

    Parameters
    ----------
    *args, **kwargs
        Passed on to `ModelBase`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The one thing that a plugin must set: the shape of the faces that it takes. Where the
        # sides differ, a list of two shapes.
        self.input_shape = (64, 64, 3)
        # Attributes that only this model needs come next. Mind those that ModelBase has already.
        self.learn_mask = self.config["learn_mask"]
        self.encoder_dim = 512 if self.config["lowmem"] else 1024
        # Blocks read no settings by themselves: hand them the global options that they share.
        self.block_options = {
            "reflect_padding": self.config["reflect_padding"],
            "conv_aware_init": self.config["conv_aware_init"],
        }
        self.upscale_options = {**self.block_options, "icnr_init": self.config["icnr_init"]}

    def build_model(self, inputs: list[Any]) -> keras.Model:
        """Wire encoder and decoders together.

        Called for a new model only: a saved one brings its structure with it.

        Parameters
        ----------
        inputs
            Two tensors of `input_shape`, side A's and side B's.

        Returns
        -------
        keras.Model
            Its outputs are side A's, then side B's, in the same order on both sides.
        """
        input_a, input_b = inputs
        # The same instance is called twice, so both sides train the same weights ...
        encoder = self.encoder()
        encoded_a, encoded_b = encoder(input_a), encoder(input_b)
        # ... and each side has a decoder of its own.
        outputs = [self.decoder("a")(encoded_a), self.decoder("b")(encoded_b)]
        # Models are made by KerasModel, never by keras.Model. The whole bears the plugin's name.
        return KerasModel(inputs, outputs, name=self.name)

    def encoder(self) -> keras.Model:
        """The shared encoder: from a face to its code.

        Returns
        -------
        keras.Model
            Takes ``(64, 64, 3)``, gives ``(8, 8, 512)``.
        """
        input_ = keras.Input(shape=self.input_shape)
        var_x = Conv2DBlock(128, **self.block_options)(input_)
        var_x = Conv2DBlock(256, **self.block_options)(var_x)
        var_x = Conv2DBlock(512, **self.block_options)(var_x)
        if not self.config["lowmem"]:
            var_x = Conv2DBlock(1024, **self.block_options)(var_x)
        # The bottleneck: everything that the two faces share has to fit through it.
        var_x = keras.layers.Flatten()(var_x)
        var_x = keras.layers.Dense(self.encoder_dim)(var_x)
        var_x = keras.layers.Dense(4 * 4 * 1024)(var_x)
        var_x = keras.layers.Reshape((4, 4, 1024))(var_x)
        var_x = UpscaleBlock(512, **self.upscale_options)(var_x)
        return KerasModel(input_, var_x, name="encoder")

    def decoder(self, side: str) -> keras.Model:
        """One side's decoder: from a code to that person's face.

        Parameters
        ----------
        side
            "a" or "b".

        Returns
        -------
        keras.Model
            Takes ``(8, 8, 512)``, gives the face ``(64, 64, 3)`` and, with learn_mask, its mask
            ``(64, 64, 1)``.
        """
        input_ = keras.Input(shape=(8, 8, 512))
        outputs = [self._upscaled(input_, 3, f"face_out_{side}")]
        if self.learn_mask:
            outputs.append(self._upscaled(input_, 1, f"mask_out_{side}"))
        return KerasModel(input_, outputs, name=f"decoder_{side}")

    def _upscaled(self, var_x: Any, channels: int, name: str) -> Any:
        for filters in (256, 128, 64):
            var_x = UpscaleBlock(filters, **self.upscale_options)(var_x)
        # The last layer of every output is a Conv2DOutput: its activation stays in float32, which
        # mixed precision needs.
        return Conv2DOutput(channels, 5, name=name)(var_x)
