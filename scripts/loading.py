"""A trained model, loaded to be looked through."""

import logging
from argparse import Namespace
from dataclasses import dataclass
from typing import Any

from lib.checkpoint.store import find_model
from lib.data.trained import plain_counts
from lib.model.predictor import Predictor
from plugins import loader

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A trained model.

    Attributes
    ----------
    predictor
        What shows faces as its sides.
    centring
        How faces are to be cut for it: 'legacy', 'face' or 'head'.
    run
        What its last run left in the state.
    """

    predictor: Predictor
    centring: str
    run: dict[str, Any]


def load_trained(arguments: Namespace, sides: str = "ab") -> Trained:
    """Load a model's sides, and warn where it was trained on pictures that may be framed otherwise.

    Parameters
    ----------
    arguments
        The command's: ``model_dir`` and ``plugin_dir`` are looked at.
    sides
        Whose faces it is to make: "a", "b" or both.

    Returns
    -------
    Trained

    Raises
    ------
    FaceswapError
        There is no model in the folder, or it can't be loaded.
    """
    name = find_model(arguments.model_dir)
    plugin = loader.load_model(name, arguments.plugin_dir)
    models: dict[str, Any] = {}
    for side in sides:
        given = Namespace(**{**vars(arguments), "swap_model": side == "a"})
        models[side] = plugin(arguments.model_dir, given, predict=True)
        models[side].build()
    model = models[sides[0]]
    predictor = Predictor(
        {side: models[side].model for side in sides},
        model.coverage_ratio,
        rgb=model.color_order == "rgb",
        batch_size=model.config["convert_batchsize"],
    )
    trained = Trained(predictor, model.config["centering"], model.state.last_run)
    _tell_if_plain(trained)
    return trained


def _tell_if_plain(trained: Trained) -> None:
    counts = plain_counts(trained.run)
    if counts:
        logger.warning(
            "The model was trained last on pictures without landmarks (%s), as they were framed; "
            "here faces are cut as its centering = %s says; where they come out smeared, train "
            "anew with the centering of those pictures (extract's own: head)",
            ", ".join(f"{count} of {side.upper()}" for side, count in counts.items()),
            trained.centring,
        )
