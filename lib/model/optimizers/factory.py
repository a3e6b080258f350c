"""Makes the optimizer that the options ask for, for a new model or for one that goes on."""

from collections.abc import Mapping
from typing import Any

import keras

from lib.errors import FaceswapError
from lib.model.optimizers.adabelief import AdaBelief

OPTIMIZERS: dict[str, type[keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "nadam": keras.optimizers.Nadam,
    "adabelief": AdaBelief,
    "rms-prop": keras.optimizers.RMSprop,
    "lion": keras.optimizers.Lion,
}
"""Optimizers by the name of the option."""


def make_optimizer(config: Mapping[str, Any]) -> keras.optimizers.Optimizer:
    """Make an optimizer that has learned nothing yet.

    Parameters
    ----------
    config
        Options by name: ``optimizer``, ``learning_rate``, ``epsilon_exponent``, ``beta_1``,
        ``beta_2``, ``weight_decay``, ``average_momentum``.

    Returns
    -------
    keras.optimizers.Optimizer
        Of the class in `OPTIMIZERS`. RMSprop takes ``beta_2`` for its rho and has no ``beta_1``;
        Lion has no epsilon.

    Raises
    ------
    FaceswapError
        ``beta_1`` is 0, which Lion can't have.

    Notes
    -----
    Where epsilon stands differs: Adam, AdamW and Nadam add it to the root of the average squared
    gradient (Adam and AdamW before that average is corrected for its start at zero), RMSprop to
    the average itself, AdaBelief to both.

    Weight decay is decoupled from the gradient for each of them: every iteration takes
    ``learning_rate * weight_decay`` of a weight off it. Adam with weight decay is AdamW.

    References
    ----------
    Adam: Kingma, Ba 2015, arXiv:1412.6980. AdamW: Loshchilov, Hutter 2019, arXiv:1711.05101.
    Nadam: Dozat 2016, "Incorporating Nesterov momentum into Adam". Lion: Chen et al. 2023,
    arXiv:2302.06675.
    """
    name = config["optimizer"]
    if name == "lion" and not config["beta_1"]:
        raise FaceswapError("beta_1 = 0: 'lion' needs more than 0; take 0.9, or another optimizer")
    return OPTIMIZERS[name](**_common(name, config), **_constants(name, config))


def _common(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    momentum = config["average_momentum"]
    # Keras' AdamW takes no None.
    none = 0.0 if name == "adamw" else None
    return {
        "learning_rate": float(config["learning_rate"]),
        "weight_decay": config["weight_decay"] or none,
        "use_ema": momentum > 0,
        "ema_momentum": momentum,
    }


def _constants(name: str, config: Mapping[str, Any]) -> dict[str, float]:
    epsilon = {"epsilon": 10.0 ** config["epsilon_exponent"]}
    if name == "rms-prop":
        return {"rho": config["beta_2"], **epsilon}
    betas = {"beta_1": config["beta_1"], "beta_2": config["beta_2"]}
    return betas if name == "lion" else betas | epsilon


def adopt(model: keras.Model, config: Mapping[str, Any]) -> keras.optimizers.Optimizer:
    """Make an optimizer that goes on from where a model's own one stands.

    Parameters
    ----------
    model
        Loaded with its optimizer. It keeps that until it is compiled anew.
    config
        Options by name as in `make_optimizer`; ``optimizer`` is what it was, the others may have
        changed.

    Returns
    -------
    keras.optimizers.Optimizer
        With the new options; moments, iterations and average of the old one. An average that was
        turned on since starts as a copy of the weights.

    Raises
    ------
    FaceswapError
        As `make_optimizer`.

    Notes
    -----
    Keras starts an average at the first iteration of all, so later on it has to be started here.
    """
    old, new = model.optimizer, make_optimizer(config)
    if type(new) is not type(old):
        raise FaceswapError(
            f"optimizer = {config['optimizer']}: the model was saved with {type(old).__name__}, so "
            "model and state file are not of one save: faceswap restore goes back to one that is, "
            "or where there are no saves yet, restore the backups of both"
        )
    new.build(model.trainable_variables)
    for variable, value in zip(_learned(new), _learned(old), strict=True):
        variable.assign(value)
    if new.use_ema:
        start = _averages(old) or model.trainable_variables
        for average, value in zip(_averages(new), start, strict=True):
            average.assign(value)
    return new


def _averages(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    return list(optimizer._model_variables_moving_average) if optimizer.use_ema else []


def _learned(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """Iterations and moments, in an order that depends on the class alone."""
    apart = {id(variable) for variable in [optimizer.learning_rate, *_averages(optimizer)]}
    return [variable for variable in optimizer.variables if id(variable) not in apart]
