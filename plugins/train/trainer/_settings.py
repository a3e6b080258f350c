"""What the user has set of a training run: its options, what stays frozen, where it is logged."""

import logging
from pathlib import Path
from typing import Any

from lib.config import ini, options
from lib.config.options import Value
from lib.config.train import TrainerOptions
from lib.errors import FaceswapError
from lib.logs.tensorboard import ScalarLog
from plugins import loader
from plugins.train.model._base.changes import change, changeable, checked

logger = logging.getLogger(__name__)


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


class Settings:
    """The options that may change while a model trains: its own and its trainer's.

    Parameters
    ----------
    model : plugin from plugins.train.model
        It has been built.
    options
        The trainer's, which `change` changes in place.
    """

    def __init__(self, model: Any, options: dict[str, Any]) -> None:
        self._model = model
        self._options = options
        self._known = changeable([*model.option_classes.values(), TrainerOptions])

    @property
    def present(self) -> dict[str, Any]:
        """Their values by name."""
        held = {**self._model.config, **self._options}
        return {name: held[name] for name in self._known}

    @property
    def defaults(self) -> dict[str, Any]:
        """Their default values by name."""
        return {name: option.default for name, option in self._known.items()}

    def checked(self, name: str, value: Value) -> Value:
        """A value as an option takes it; raises FaceswapError where it takes none such."""
        return checked(self._known, name, value)

    def change(self, name: str, value: Value) -> None:
        """Give an option another value; raises FaceswapError, with all as it was."""
        if name not in self._options:
            change(self._model, name, value)
            return
        self._options[name] = value
        self._model.state.set_option(name, value)


def frozen_layers(model: Any) -> list[str]:
    """Names of the layers whose weights the user wants to stay as they are.

    Raises
    ------
    FaceswapError
        The model names none.
    """
    if not getattr(model.command_line_arguments, "freeze_weights", False):
        return []
    if not model.freeze_layers:
        raise FaceswapError(
            f"--freeze-weights: model '{model.name}' has none to freeze; leave it out"
        )
    logger.info("Frozen: %s", ", ".join(model.freeze_layers))
    return list(model.freeze_layers)


def scalar_log(model: Any) -> ScalarLog | None:
    """Where a session's losses go for TensorBoard; None where they are not wanted."""
    if getattr(model.command_line_arguments, "no_logs", False):
        return None
    logs = Path(model.model_dir) / f"{model.name}_logs"
    return ScalarLog(logs / f"session_{model.state.session_id}" / "train")
