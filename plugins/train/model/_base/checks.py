"""What must hold of a plugin, its options and the model that it builds."""

import logging
from collections.abc import Mapping
from typing import Any

from lib.errors import FaceswapError

logger = logging.getLogger(__name__)

LARGEST_FOR_ADABELIEF = -12
"""Epsilon lies beside squared surprises here, which are far smaller than squared gradients."""


def check_options(config: Mapping[str, Any]) -> None:
    """Refuse options that contradict one another, and warn of those that do no good together.

    Raises
    ------
    FaceswapError
    """
    for key in ("penalized_mask_loss", "learn_mask"):
        if config[key] and config["mask_type"] is None:
            raise FaceswapError(
                f"option {key} needs a mask, but mask_type is none: choose a mask_type in "
                f"[global.loss], or set {key} to False"
            )
    if config["mask_type"] == "":
        raise FaceswapError("mask_type is empty: must be the name of a mask, or none")
    if config["optimizer"] == "adabelief" and config["epsilon_exponent"] > LARGEST_FOR_ADABELIEF:
        logger.warning(
            "'adabelief' hardly learns with epsilon_exponent = %d: set it to -16",
            config["epsilon_exponent"],
        )


def check_shapes(input_shape: Any, name: str) -> list[tuple[int, int, int]]:
    """Shapes of side A's and side B's faces.

    Parameters
    ----------
    input_shape
        What the plugin set: a shape, or a list of two.
    name
        The plugin's name.

    Raises
    ------
    FaceswapError
        They are no shapes of square faces.
    """
    shapes = input_shape if isinstance(input_shape, list) else [input_shape] * 2
    if len(shapes) != 2 or not all(_is_shape(shape) for shape in shapes):
        raise FaceswapError(
            f"model '{name}' has input_shape {input_shape!r}: it must be square, "
            "(height, width, 3), or a list of two such shapes"
        )
    return shapes


def check_model(model: Any, name: str) -> None:
    """Refuse what is no face-swap model, whether a plugin built it or a file held it.

    Raises
    ------
    FaceswapError
    """
    inputs, outputs = (getattr(model, kind, None) or [] for kind in ("inputs", "outputs"))
    half = len(outputs) // 2
    sides = outputs[:half], outputs[half:]
    if len(inputs) != 2 or len(sides[0]) != len(sides[1]):
        raise _no_model(name, "takes two faces and gives as many pictures for A as for B")
    if not all(_is_picture(output.shape[1:]) for output in outputs):
        raise _no_model(name, "gives square pictures of 3 channels (a face) or 1 (a mask)")
    if not all(any(output.shape[-1] == 3 for output in side) for side in sides):
        raise _no_model(name, "gives a face for A and one for B")


def _no_model(name: str, what: str) -> FaceswapError:
    return FaceswapError(f"'{name}' is no face-swap model: one {what}")


def _is_picture(shape: Any) -> bool:
    return len(shape) == 3 and shape[0] == shape[1] and shape[2] in (1, 3)


def _is_shape(shape: Any) -> bool:
    return (
        isinstance(shape, tuple)
        and len(shape) == 3
        and all(isinstance(edge, int) and edge > 0 for edge in shape)
        and shape == (shape[0], shape[0], 3)
    )
