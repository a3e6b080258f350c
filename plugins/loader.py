"""Finds plugins and imports them only when they are used.

A model plugin is one Python file that defines ``Model`` and, where it has options of its own, a
dataclass ``Options``. It lies in ``plugins/train/model`` or in a folder that the user names, with
``--plugin-dir`` or in the environment variable ``FACESWAP_PLUGIN_DIR``; the file's name is the
plugin's.
"""

import difflib
import importlib
import importlib.util
import logging
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from lib.config import sections as ini_sections
from lib.config.options import fields_of
from lib.errors import FaceswapError

logger = logging.getLogger(__name__)

PLUGIN_DIR_VARIABLE = "FACESWAP_PLUGIN_DIR"
_OURS = Path(__file__).parent / "train"


def _names(folder: Path) -> dict[str, Path]:
    return {
        path.stem.lower(): path
        for path in sorted(folder.glob("*.py"))
        if not path.stem.startswith("_")
    }


def _user_folder(plugin_dir: str | None) -> Path | None:
    chosen = plugin_dir or os.environ.get(PLUGIN_DIR_VARIABLE)
    if not chosen:
        return None
    folder = Path(os.path.expanduser(chosen)).resolve()
    if not folder.is_dir():
        raise FaceswapError(
            f"'{chosen}' is no folder: --plugin-dir (or {PLUGIN_DIR_VARIABLE}) names the folder "
            "that holds your plugins"
        )
    return folder


def model_files(plugin_dir: str | None = None) -> dict[str, Path]:
    """Files of the model plugins by name, without importing any.

    Parameters
    ----------
    plugin_dir
        The user's own plugin folder; None for that of the environment, if any.

    Raises
    ------
    FaceswapError
        The folder is missing, or a file has the name of a plugin of ours.
    """
    user = _user_folder(plugin_dir)
    theirs = _names(user) if user else {}
    ours = _names(_OURS / "model")
    if clash := ours.keys() & theirs.keys():
        name = min(clash)
        raise FaceswapError(
            f"'{theirs[name]}' has the name of a plugin that comes with faceswap: rename the file"
        )
    return ours | theirs


def model_names(plugin_dir: str | None = None) -> list[str]:
    """Names of the model plugins that ``-t`` takes, without importing any.

    Parameters
    ----------
    plugin_dir
        The user's own plugin folder; None for that of the environment, if any.
    """
    return sorted(model_files(plugin_dir))


def trainer_names() -> list[str]:
    """Names of the trainer plugins, without importing any."""
    return sorted(_names(_OURS / "trainer"))


def _import_file(name: str, path: Path) -> ModuleType:
    if path.parent == _OURS / "model":
        return importlib.import_module(f"plugins.train.model.{name}")
    qualified = f"faceswap_user_plugins.{name}"
    known = sys.modules.get(qualified)
    if known is not None and known.__file__ == str(path):
        return known
    spec = importlib.util.spec_from_file_location(qualified, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[qualified] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[qualified]
        raise FaceswapError(
            f"'{path}' can't be imported: {type(error).__name__}: {error}"
        ) from error
    return module


def _module(name: str, plugin_dir: str | None) -> ModuleType:
    files = model_files(plugin_dir)
    if name not in files:
        near = difflib.get_close_matches(name, files, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise FaceswapError(
            f"there is no model '{name}': {hint}there are {', '.join(files)}; "
            "name the folder of your own with --plugin-dir"
        )
    return _import_file(name, files[name])


def load_model(name: str, plugin_dir: str | None = None) -> type[Any]:
    """The ``Model`` class of a plugin.

    Raises
    ------
    FaceswapError
        There is no such plugin (the nearest name is suggested), or its file is faulty.
    """
    module = _module(name.lower(), plugin_dir)
    if not isinstance(getattr(module, "Model", None), type):
        raise FaceswapError(f"'{module.__file__}' defines no class 'Model': a model plugin must")
    model: type[Any] = module.Model
    return model


def load_trainer(name: str) -> type[Any]:
    """The ``Trainer`` class of a trainer plugin."""
    if name not in trainer_names():
        raise FaceswapError(f"there is no trainer '{name}': {', '.join(trainer_names())}")
    trainer: type[Any] = importlib.import_module(f"plugins.train.trainer.{name}").Trainer
    return trainer


def option_sections(plugin_dir: str | None = None) -> dict[str, type]:
    """Every section of ``train.ini`` with its option dataclass, the plugins' ones included."""
    sections: dict[str, type] = dict(ini_sections.ALL)
    for name in model_files(plugin_dir):
        try:
            module = _module(name, plugin_dir)
        except FaceswapError as error:
            # It may not be the one in use; if it is, loading it says so.
            logger.warning("Passed over: %s", error)
            continue
        if hasattr(module, "Options"):
            if problem := _problem(module.Options):
                logger.warning("Passed over: Options of '%s': %s", module.__file__, problem)
            else:
                sections[f"model.{name}"] = module.Options
    return sections


def _problem(cls: Any) -> str | None:
    """What keeps a class from being the options of a plugin."""
    try:
        fields_of(cls)
        cls()
    except (FaceswapError, TypeError, AttributeError) as error:
        return str(error)
    return None
