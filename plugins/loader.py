"""Finds plugins and imports them only when they are used.

A plugin is one Python file that defines the class of its kind and, where it has options of its own,
a dataclass ``Options``; the file's name is the plugin's. Those that come with faceswap lie under
``plugins``. A user's lie in a folder named with ``--plugin-dir`` or in the environment variable
``FACESWAP_PLUGIN_DIR``: models directly in it, other kinds in a folder of the kind's name.
"""

import difflib
import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from lib.config import sections as ini_sections
from lib.config.options import Options, fields_of
from lib.errors import FaceswapError

logger = logging.getLogger(__name__)

PLUGIN_DIR_VARIABLE = "FACESWAP_PLUGIN_DIR"
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Kind:
    """What plugins of one kind have in common.

    Attributes
    ----------
    class_name
        The class that a plugin's file defines.
    ours
        Folder of those that come with faceswap, under ``plugins``.
    theirs
        Folder of a user's own, under the folder of plugins.
    title
        What one is called in a message.
    """

    class_name: str
    ours: str
    theirs: str
    title: str


KINDS: Final[Mapping[str, Kind]] = {
    "model": Kind("Model", "train/model", "", "model"),
    "detect": Kind("Detect", "extract/detect", "detect", "detector"),
    "align": Kind("Align", "extract/align", "align", "aligner"),
    "color": Kind("Color", "convert/color", "color", "color plugin"),
    "mask": Kind("Mask", "convert/mask", "mask", "mask plugin"),
    "scaling": Kind("Scaling", "convert/scaling", "scaling", "scaling plugin"),
    "writer": Kind("Writer", "convert/writer", "writer", "writer"),
}
"""The kinds that a user can add to."""


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


def files(kind: str, plugin_dir: str | None = None) -> dict[str, Path]:
    """Files of the plugins of a kind by name, without importing any.

    Parameters
    ----------
    kind
        One of `KINDS`.
    plugin_dir
        The user's own plugin folder; None for that of the environment, if any.

    Raises
    ------
    FaceswapError
        The folder is missing, or a file has the name of a plugin of ours.
    """
    user = _user_folder(plugin_dir)
    theirs = _names(user / KINDS[kind].theirs) if user else {}
    ours = _names(_HERE / KINDS[kind].ours)
    if clash := ours.keys() & theirs.keys():
        name = min(clash)
        raise FaceswapError(
            f"'{theirs[name]}' has the name of a plugin that comes with faceswap: rename the file"
        )
    return ours | theirs


def names(kind: str, plugin_dir: str | None = None) -> list[str]:
    """Names of the plugins of a kind, in order; parameters and errors as in `files`."""
    return sorted(files(kind, plugin_dir))


def load(kind: str, name: str, plugin_dir: str | None = None) -> type[Any]:
    """The class of a plugin.

    Parameters
    ----------
    kind
        One of `KINDS`.
    name
        The plugin's, in any case.
    plugin_dir
        The user's own plugin folder; None for that of the environment, if any.

    Raises
    ------
    FaceswapError
        There is no such plugin (the nearest name is suggested), or its file is faulty.
    """
    module, wanted = _module(kind, name.lower(), plugin_dir), KINDS[kind]
    if not isinstance(getattr(module, wanted.class_name, None), type):
        raise FaceswapError(
            f"'{module.__file__}' defines no class '{wanted.class_name}': a plugin of its kind must"
        )
    plugin: type[Any] = getattr(module, wanted.class_name)
    return plugin


def model_files(plugin_dir: str | None = None) -> dict[str, Path]:
    """Files of the model plugins by name; parameters and errors as in `files`."""
    return files("model", plugin_dir)


def model_names(plugin_dir: str | None = None) -> list[str]:
    """Names of the model plugins that ``-t`` takes, without importing any."""
    return names("model", plugin_dir)


def load_model(name: str, plugin_dir: str | None = None) -> type[Any]:
    """The ``Model`` class of a plugin; errors as in `load`."""
    return load("model", name, plugin_dir)


def trainer_names() -> list[str]:
    """Names of the trainer plugins, without importing any."""
    return sorted(_names(_HERE / "train" / "trainer"))


def load_trainer(name: str) -> type[Any]:
    """The ``Trainer`` class of a trainer plugin."""
    if name not in trainer_names():
        raise FaceswapError(f"there is no trainer '{name}': {', '.join(trainer_names())}")
    trainer: type[Any] = importlib.import_module(f"plugins.train.trainer.{name}").Trainer
    return trainer


def option_sections(plugin_dir: str | None = None) -> dict[str, type]:
    """Every section of ``train.ini`` with its option dataclass, the plugins' ones included."""
    return {**ini_sections.ALL, **_sections("model", plugin_dir)}


def convert_sections(plugin_dir: str | None = None) -> dict[str, type]:
    """Every section of ``convert.ini`` with its option dataclass, the plugins' ones included."""
    sections: dict[str, type] = dict(ini_sections.CONVERT)
    for kind in ("mask", "color", "scaling", "writer"):
        sections |= _sections(kind, plugin_dir)
    return sections


def _sections(kind: str, plugin_dir: str | None) -> dict[str, type[Options]]:
    """Options of all plugins of a kind that have any."""
    sections = {}
    for name in files(kind, plugin_dir):
        try:
            module = _module(kind, name, plugin_dir)
        except FaceswapError as error:
            # It may not be the one in use; if it is, loading it says so.
            logger.warning("Passed over: %s", error)
            continue
        if hasattr(module, "Options"):
            if problem := _problem(module.Options):
                logger.warning("Passed over: Options of '%s': %s", module.__file__, problem)
            else:
                sections[f"{kind}.{name}"] = module.Options
    return sections


def _module(kind: str, name: str, plugin_dir: str | None) -> ModuleType:
    there = files(kind, plugin_dir)
    if name not in there:
        near = difflib.get_close_matches(name, there, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise FaceswapError(
            f"there is no {KINDS[kind].title} '{name}': {hint}there are {', '.join(there)}; "
            "name the folder of your own with --plugin-dir"
        )
    return _import_file(kind, name, there[name])


def _import_file(kind: str, name: str, path: Path) -> ModuleType:
    ours, theirs = KINDS[kind].ours, KINDS[kind].theirs
    if path.parent == _HERE / ours:
        return importlib.import_module(f"plugins.{ours.replace('/', '.')}.{name}")
    qualified = ".".join(filter(None, ("faceswap_user_plugins", theirs, name)))
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


def _problem(cls: Any) -> str | None:
    """What keeps a class from being the options of a plugin."""
    try:
        fields_of(cls)
        cls()
    except (FaceswapError, TypeError, AttributeError) as error:
        return str(error)
    return None
