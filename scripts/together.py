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
from lib.errors import FaceswapError
from lib.training.distributed import World
from lib.training.handing import NOTHING, saved_iterations

logger = logging.getLogger(__name__)

_SWITCHES = "batch_size", "seed", "no_flip", "no_augment_color", "no_warp", "warp_to_landmarks"


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
    found = world.gather(saved_iterations(store))
    held = sorted({number for number in found if number != NOTHING})
    if len(held) > 1 and not world.is_restart:
        counts = " and ".join(f"{number:,}" for number in held)
        raise FaceswapError(
            f"model folder '{store.folder}' holds models of {counts} iterations on different "
            "machines: keep the one to go on from, and move the others away"
        )
    return world.led_by(found.index(max(found)))


def check_alike(
    world: World, images: Mapping[str, Sequence[str]], config: Mapping[str, Any], options: Namespace
) -> None:
    """Refuse processes that would train on other faces, or in another way, than the first.

    Parameters
    ----------
    world
        The processes that train together; all of them have to ask.
    images
        Full paths of the faces of each side.
    config
        The model's options by name.
    options
        The command's options.

    Raises
    ------
    FaceswapError
    """
    if world.size == 1:
        return
    own = {
        **{f"the faces of side {side.upper()}": _digest(paths) for side, paths in images.items()},
        **{f"--{name.replace('_', '-')}": getattr(options, name) for name in _SWITCHES},
        **{f"option {name}": value for name, value in config.items()},
    }
    firsts = json.loads(world.share(json.dumps(own)))
    own = json.loads(json.dumps(own))
    others = [name for name in own if own[name] != firsts.get(name)]
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
