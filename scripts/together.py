"""What several processes settle before they train one model: who leads, and that they are alike."""

import hashlib
import json
import logging
import os
import socket
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from lib.checkpoint.store import ModelStore
from lib.config import ini
from lib.config.options import changeable, merged
from lib.config.train import TrainerOptions
from lib.errors import FaceswapError
from lib.training.distributed import World
from lib.training.handing import NOTHING, newest_model
from plugins import loader

logger = logging.getLogger(__name__)

_OWN = {
    *("input_a", "input_b", "model_dir", "plugin_dir", "configfile"),
    *("timelapse_input_a", "timelapse_input_b"),
    *("loglevel", "logfile", "exclude_gpus", "chose_trainer"),
}
"""What machines may differ in: where files are, what they say, their GPUs, whether -t is given."""

_PLACES = {"load_weights", "timelapse_output"}
"""Options whose value may differ, so long as all machines have it or none."""


def led_by_newest(world: World, store: ModelStore) -> World:
    """Make the process first whose folder holds the model; PyTorch's own first where all do.

    torchrun numbers machines by their names, so that its first one need not be the one that holds
    the model.

    Parameters
    ----------
    world
        The processes that train together; all of them have to ask.
    store
        The model's folder, as this process sees it. After a restart one may lag behind, such as
        one on a server; the newest model is then the one.

    Raises
    ------
    FaceswapError
        The folders hold different models.
    """
    if world.size == 1:
        return world
    models = list(zip(*map(world.gather, newest_model(store)), strict=True))
    different = _told_apart(models)
    if len(different) > 1 and not world.is_restart:
        counts = " and ".join(f"{number:,}" for number, _ in sorted(different))
        raise FaceswapError(
            f"model folder '{store.folder}' holds different models on different machines, of "
            f"{counts} iterations: keep the one to go on from, and move the others away"
        )
    # Of as many iterations, one that can be read leads.
    ranks = [(number, digest != NOTHING) for number, digest in models]
    return world.led_by(ranks.index(max(ranks)))


def _told_apart(models: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Different models; one without a digest may be any other of as many iterations."""
    known = {one for one in models if one[1] != NOTHING}
    counts = {number for number, _ in known}
    return known | {one for one in models if one[0] not in {NOTHING, *counts}}


def check_options(world: World, options: Namespace) -> None:
    """Refuse processes whose command line is another than the first's.

    Parameters
    ----------
    world
        The processes that train together; all of them have to ask.
    options
        The command's options, as the user gave them.

    Raises
    ------
    FaceswapError
    """
    given = {name: value for name, value in vars(options).items() if name not in _OWN}
    given |= {name: bool(given[name]) for name in _PLACES}
    _compare(world, {f"--{name.replace('_', '-')}": value for name, value in given.items()})


def check_alike(
    world: World, images: Mapping[str, Sequence[str]], config: Mapping[str, Any]
) -> None:
    """Refuse processes that would train on other faces, or in another way, than the first.

    Parameters
    ----------
    world
        The processes that train together; all of them have to ask.
    images
        Full paths of the faces of each side.
    config
        The options of model and trainer by name.

    Raises
    ------
    FaceswapError
    """
    faces = {f"the faces of side {side.upper()}": _digest(paths) for side, paths in images.items()}
    _compare(world, faces | {f"option {name}": value for name, value in config.items()})


def trainer_options(options: Namespace, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The trainer's options that will hold, by name.

    Parameters
    ----------
    options
        The command's options.
    stored
        What the model was begun with, which holds whatever the file says, unless it may change.

    Raises
    ------
    FaceswapError
        The file can't be read, or an option has a wrong value.
    """
    sections = ini.load(options.configfile, loader.option_sections(options.plugin_dir))
    wanted = merged([sections["trainer.original"]])
    fixed = wanted.keys() & stored.keys() - changeable([TrainerOptions])
    return wanted | {name: stored[name] for name in fixed}


def _compare(world: World, own: dict[str, Any]) -> None:
    if world.size == 1:
        return
    firsts = json.loads(world.share(json.dumps(own)))
    own = json.loads(json.dumps(own))
    others = [name for name in firsts | own if own.get(name) != firsts.get(name)]
    if others:
        raise FaceswapError(
            f"'{socket.gethostname()}' differs from the first machine in {', '.join(others)}: give "
            "all machines the same faces, train.ini and options"
        )


def _digest(paths: Sequence[str]) -> str:
    names = [os.path.basename(path) for path in paths]
    digest = hashlib.sha256("\0".join(names).encode(errors="surrogateescape")).hexdigest()
    return f"{len(paths)} {digest[:16]}"


def tell_batch(world: World, batch_size: int, accumulated: int) -> None:
    """Say how many faces an iteration takes.

    Parameters
    ----------
    world
        The processes that train together.
    batch_size
        Faces of each side in a batch.
    accumulated
        Batches in an iteration of each process.
    """
    if world.size == 1:
        return
    times = f", {accumulated} batches an iteration" if accumulated > 1 else ""
    logger.info(
        "%d processes, batch %d each%s: %d faces a side an iteration; learning rate as set, not "
        "scaled",
        world.size,
        batch_size,
        times,
        world.size * batch_size * accumulated,
    )
