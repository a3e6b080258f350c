"""A model to measure, set up as ``faceswap train`` does, and what to feed it."""

import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

import keras
import torch
from torch import Tensor

from lib.device import device
from plugins import loader


def make_plugin(
    model: str, options: str = "", folder: Path | None = None, **arguments: object
) -> Any:
    """Make a new model, ready to train.

    Parameters
    ----------
    model
        Name of its plugin.
    options
        Text of ``train.ini``; what it leaves out is as it comes.
    folder
        Where the model is to be saved; None where it is not.
    arguments
        Of the command line.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as passing:
            return make_plugin(model, options, Path(passing), **arguments)
    options_file = folder / "train.ini"
    options_file.write_text(options)
    known = Namespace(configfile=str(options_file), **arguments)
    plugin = loader.load_model(model)(str(folder / "model"), known)
    plugin.build()
    return plugin


def precision(mixed: bool) -> str:
    """Text of ``train.ini`` by which every model computes in bfloat16, or in float32."""
    sections = ("global", "model.compact")
    return "".join(f"[{section}]\nmixed_precision = {mixed}\n" for section in sections)


def random_sides(model: keras.Model, batch: int) -> tuple[list[Tensor], list[Tensor]]:
    """Random bytes for every input and every output, on the device as when a step begins."""

    def pixels(edges: tuple[int, int], channels: int) -> Tensor:
        return torch.randint(256, (batch, *edges, channels), dtype=torch.uint8, device=device())

    return (
        [pixels(tensor.shape[1:3], 3) for tensor in model.inputs],
        [pixels(tensor.shape[1:3], 6) for tensor in model.outputs],
    )
