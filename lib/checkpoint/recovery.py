"""Puts a model's folder in order after whatever happened to it."""

import filecmp
import glob
import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

from lib.checkpoint.generations import Generation
from lib.checkpoint.store import ModelStore
from lib.errors import FaceswapError
from lib.files import UNFINISHED

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
    store.saves.sweep()
    for path in store.folder.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            path.unlink()
    half = f".{glob.escape(store.folder.name)}_snapshot_*_iters.partial"
    for path in store.folder.parent.glob(half):
        shutil.rmtree(path, ignore_errors=True)
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


def _keep_strangers(store: ModelStore, newest: Generation) -> None:
    """Move model and state away where one was put there by hand."""
    views = [path for path in (store.path, store.state_path) if path.exists()]
    files = [file for one in store.saves.all() for file in (one.model, one.state)]
    if all(any(_is_same(path, file) for file in files) for path in views):
        return
    count = len(list(store.saves.folder.glob("found_*")))
    found = store.saves.folder / f"found_{count + 1}"
    found.mkdir()
    for path in views:
        os.rename(path, found / path.name)
    logger.warning(
        "'%s' holds files that were put there since the last save: they are kept in '%s', and "
        "the run goes on from %s; faceswap restore --from that folder goes on from them",
        store.folder,
        found,
        newest,
    )


def _tell_if_older(store: ModelStore, newest: Generation) -> None:
    """Say so where the plain model is an earlier save, to which someone may mean to go back."""
    for generation in store.saves.all():
        if generation < newest and store.path.exists() and _is_same(store.path, generation.model):
            logger.info(
                "'%s' was %s, and the run goes on from the newest, %s; faceswap restore -m "
                "'%s' goes back",
                store.path.name,
                generation,
                newest,
                store.folder,
            )


def _is_same(path: Path, other: Path) -> bool:
    """Whether two files are one, or alike to the last byte."""
    if not (path.is_file() and other.is_file()):
        return False
    if path.samefile(other):
        return True
    return filecmp.cmp(path, other, shallow=False)
