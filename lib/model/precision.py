"""Whether a model computes in 32 or in 16 bits; its weights are kept in 32 either way."""

from collections.abc import Mapping
from typing import Any

import keras

from lib.model.layers import OutputActivation


def policy(config: Mapping[str, Any]) -> str:
    """Name of the Keras dtype policy that the options ask for."""
    return f"mixed_{config['mixed_precision_type']}" if config["mixed_precision"] else "float32"


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
