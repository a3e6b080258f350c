"""Gives a model its optimizer and its losses."""

from collections.abc import Mapping
from typing import Any

import keras

from lib.model.losses.face import FaceLoss, MaskLoss
from lib.model.optimizers.factory import adopt, make_optimizer
from lib.model.precision import policy, set_precision


def compile_model(model: keras.Model, config: Mapping[str, Any], color_order: str) -> keras.Model:
    """Compile for training.

    A model that was loaded keeps all that its optimizer has learned; what may change on resume is
    set anew.

    Parameters
    ----------
    model
        Outputs of three channels are faces, those of one channel masks.
    config
        Options by name.
    color_order
        "bgr" or "rgb": the order of the faces' colours.

    Returns
    -------
    keras.Model
        The same model.
    """
    set_precision(model, policy(config))
    is_loaded = getattr(model, "optimizer", None) is not None
    optimizer = adopt(model, config) if is_loaded else make_optimizer(config)
    losses = [_loss(output.shape[-1], config, color_order) for output in model.outputs]
    # The training step scales the loss by itself.
    model.compile(optimizer=optimizer, loss=losses, jit_compile=False, auto_scale_loss=False)
    optimizer.build(model.trainable_variables)
    return model


def _loss(channels: int, config: Mapping[str, Any], color_order: str) -> keras.losses.Loss:
    if channels == 1:
        return MaskLoss(config["mask_loss_function"])
    return FaceLoss(
        _functions(config),
        l2_reg_term=config["l2_reg_term"],
        eye_multiplier=config["eye_multiplier"],
        mouth_multiplier=config["mouth_multiplier"],
        penalized=config["penalized_mask_loss"],
        color_order=color_order,
    )


def _functions(config: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Names and weights of the loss functions; the first weighs 1."""
    more = [
        (config[f"loss_function_{slot}"], config[f"loss_weight_{slot}"] / 100) for slot in (2, 3, 4)
    ]
    return [(config["loss_function"], 1.0), *(pair for pair in more if pair[0] is not None)]


def loss_names(model: keras.Model) -> list[str]:
    """Name of each output's loss, ``face_a``, ``mask_a``, ...; side A's outputs come first."""
    half = len(model.outputs) // 2
    names: list[str] = []
    for index, output in enumerate(model.outputs):
        kind = "mask" if output.shape[-1] == 1 else "face"
        name = f"{kind}_{'ab'[index >= half]}"
        earlier = sum(known.startswith(name) for known in names)
        names.append(f"{name}_{earlier + 1}" if earlier else name)
    return names
