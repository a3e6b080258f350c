"""Gives a model its optimizer and its losses."""

from collections.abc import Mapping
from typing import Any

import keras

from lib.model.losses.face import FaceLoss, MaskLoss

BETA_1, BETA_2 = 0.5, 0.99
"""Adam's constants, unless a model brings its own."""


def compile_model(model: keras.Model, config: Mapping[str, Any]) -> keras.Model:
    """Compile for training.

    A model that was loaded keeps its optimizer with all that it has learned; its learning rate and
    epsilon are set anew, because they may change on resume.

    Parameters
    ----------
    model
        Outputs of three channels are faces, those of one channel masks.
    config
        Options by name.

    Returns
    -------
    keras.Model
        The same model.
    """
    optimizer = getattr(model, "optimizer", None) or _new_optimizer(config)
    optimizer.learning_rate = config["learning_rate"]
    optimizer.epsilon = 10.0 ** config["epsilon_exponent"]
    losses = [_loss(output.shape[-1], config) for output in model.outputs]
    model.compile(optimizer=optimizer, loss=losses, jit_compile=False)
    optimizer.build(model.trainable_variables)
    return model


def _new_optimizer(config: Mapping[str, Any]) -> keras.optimizers.Optimizer:
    momentum = config.get("average_momentum", 0)
    return keras.optimizers.Adam(
        beta_1=config.get("beta_1", BETA_1),
        beta_2=config.get("beta_2", BETA_2),
        use_ema=momentum > 0,
        ema_momentum=momentum,
    )


def _loss(channels: int, config: Mapping[str, Any]) -> keras.losses.Loss:
    if channels == 1:
        return MaskLoss(config["mask_loss_function"])
    return FaceLoss(
        config["loss_function"],
        l2_reg_term=config["l2_reg_term"],
        eye_multiplier=config["eye_multiplier"],
        mouth_multiplier=config["mouth_multiplier"],
        penalized=config["penalized_mask_loss"],
    )


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
