"""Whether a model computes in 32 or in 16 bits; its weights are kept in 32 either way."""

from collections.abc import Mapping
from typing import Any

import keras

from lib.device import device, has_bfloat16_units
from lib.model.layers import OutputActivation


def policy(config: Mapping[str, Any]) -> str:
    """Name of the Keras dtype policy that the options ask for.

    Parameters
    ----------
    config
        Options by name. Of ``mixed_precision``, None stands for True where that is faster without
        further ado: on a device with units for bfloat16.
    """
    is_mixed, kind = config["mixed_precision"], config["mixed_precision_type"]
    if is_mixed is None:
        is_mixed = kind == "bfloat16" and has_bfloat16_units()
    return f"mixed_{kind}" if is_mixed else "float32"


def is_slow(name: str) -> bool:
    """Whether the device has no units for a policy's 16-bit numbers, and computes them with others.

    Measured on such a processor: `compact` takes ten times as long as in float32.
    """
    if name == "float32" or device().type != "cpu":
        return False
    return name == "mixed_float16" or not has_bfloat16_units()


def set_precision(model: keras.Model, name: str) -> None:
    """Make every layer compute under a dtype policy, but for the outputs' activations.

    Works on a model that is built or loaded, so that the precision may change on resume. A step
    under "mixed_float16" needs a scaled loss; see `lib.training.scaling`.

    Parameters
    ----------
    model
        Its outputs' activations, `OutputActivation`, stay in float32.
    name
        "float32", "mixed_bfloat16" or "mixed_float16".

    Notes
    -----
    Keras has no public list of all layers at any depth; ``_flatten_layers`` gives it.
    """
    for layer in model._flatten_layers():
        if not isinstance(layer, OutputActivation):
            layer.dtype_policy = name
