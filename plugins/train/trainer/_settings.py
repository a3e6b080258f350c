"""The options of a trainer: as the user set them, and as a model that goes on has them."""

from typing import Any

from lib.config import ini, options
from lib.config.train import TrainerOptions
from lib.errors import FaceswapError
from plugins import loader


def read_options(model: Any, configfile: str | None) -> dict[str, Any]:
    """The trainer's options by name, and the seed.

    Parameters
    ----------
    model : plugin from plugins.train.model
    configfile
        Path of a configuration file; None for the default ``train.ini``.

    Raises
    ------
    FaceswapError
        An option has a wrong value.
    """
    arguments = model.command_line_arguments
    sections = ini.load(configfile, loader.option_sections(getattr(arguments, "plugin_dir", None)))
    wanted = options.merged([sections["trainer.original"]])
    seed = getattr(arguments, "seed", None)
    wanted["seed"] = model.state.config.get("seed", 0) if seed is None else seed
    changeable = options.changeable([TrainerOptions])
    restored: dict[str, Any] = model.state.restore_config(wanted, changeable)
    model.check_stored([TrainerOptions], restored)
    if not isinstance(restored["seed"], int) or restored["seed"] < 0:
        raise FaceswapError(f"seed = {restored['seed']!r}: must be a whole number from 0")
    return restored
