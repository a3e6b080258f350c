"""Puts a model's folder in order after whatever happened to it."""

import logging
import os
import re
import shutil
from contextlib import suppress
from itertools import count

from lib.checkpoint.generations import Generation
from lib.checkpoint.snapshots import put_back
from lib.checkpoint.state_file import StateFile
from lib.checkpoint.store import ModelStore, is_same
from lib.errors import FaceswapError
from lib.files import remove_unfinished
from lib.live.status import live_folder

logger = logging.getLogger(__name__)


def recover(store: ModelStore) -> None:
    """Put a folder in order before a run writes to it, as the only one that does.

    What a run that died left half done goes. Saves that are not whole get another name. Files
    under the model's own names that no save left go into a folder of their own, and the newest
    save takes their place.

    Raises
    ------
    FaceswapError
        No save is whole, or the folder can't be written to.
    """
    newest = store.current
    _sweep(store)
    if newest is None:
        return
    try:
        _keep_strangers(store, newest)
        _tell_if_older(store, newest)
        for generation in store.saves.all():
            if generation > newest:
                aside = store.saves.set_aside(generation)
                logger.warning("The damaged one is kept as '%s'", aside)
        store.publish(newest)
    except OSError as error:
        raise FaceswapError(f"can't write to '{store.folder}': {error.strerror}") from error


def _sweep(store: ModelStore) -> None:
    """Take away what is half done, and bring back a copy that nothing took the place of."""
    store.saves.sweep()
    for folder in (store.folder, live_folder(store.folder, store.name)):
        remove_unfinished(folder)
    name = re.escape(store.folder.name)
    copy = re.compile(rf"\.({name}_(?:snapshot|before_restore)_\d+_iters(?:_\d+)?)\.(\w+)")
    with suppress(OSError):  # nobody is in need of what lies beside the folder
        for path in list(store.folder.parent.iterdir()):
            match = copy.fullmatch(path.name)
            if match and match[2] == "partial":
                shutil.rmtree(path, ignore_errors=True)
            elif match and match[2] == "replaced":
                put_back(path, path.with_name(match[1]))


def holds_strangers(store: ModelStore) -> bool:
    """Whether model or state under the plain names are of no save, and so were put there by hand.

    A state that `State.save` wrote since is none: it says the same as the save, or more.
    """
    known = store.saves.known()
    is_known = any(is_same(store.path, one.model) for one in known)
    if store.path.exists() and not is_known:
        return True
    if not store.state_path.exists() or any(is_same(store.state_path, one.state) for one in known):
        return False
    return not (is_known and _is_state(store))


def _is_state(store: ModelStore) -> bool:
    with suppress(FaceswapError):
        stored = StateFile(str(store.folder), store.name).read(store.state_path)
        return bool(stored["name"] == store.name)
    return False


def _keep_strangers(store: ModelStore, newest: Generation) -> None:
    """Move model and state away where one was put there by hand."""
    if not holds_strangers(store):
        return
    names = (store.saves.folder / f"found_{number}" for number in count(1))
    found = next(path for path in names if not path.exists())
    found.mkdir()
    for path in (store.path, store.state_path):
        if path.exists():
            os.rename(path, found / path.name)
    logger.warning(
        "'%s' holds files that were put there since the last save: they are kept in '%s', and "
        "%s takes their place; faceswap restore --from that folder goes on from them",
        store.folder,
        found,
        newest,
    )


def _tell_if_older(store: ModelStore, newest: Generation) -> None:
    """Say so where the plain model is an earlier save, to which someone may mean to go back."""
    if is_same(store.path, newest.model):
        return
    for generation in store.saves.all():
        if generation < newest and store.path.exists() and is_same(store.path, generation.model):
            logger.info(
                "'%s' was %s, and becomes the newest, %s; faceswap restore -m '%s' goes back",
                store.path.name,
                generation,
                newest,
                store.folder,
            )
