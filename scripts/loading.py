"""A trained model, loaded to be looked through."""

from argparse import Namespace
from dataclasses import dataclass
from typing import Any

from lib.checkpoint.store import find_model
from lib.model.predictor import Predictor
from plugins import loader


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
    """Load a model's sides.

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
    return Trained(predictor, model.config["centering"], model.state.last_run)
