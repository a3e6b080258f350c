"""Hands the newest save to processes that can't read the model's folder, or must not.

One process reads and writes the model's folder. The others load what it sends them from a folder of
their own, so that machines need no disk in common, and none but the first can write a file where
the model is.
"""

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from lib.checkpoint.generations import MODEL, Generation
from lib.checkpoint.state_file import StateFile
from lib.checkpoint.store import ModelStore
from lib.errors import FaceswapError
from lib.files import roomy_folder
from lib.training.distributed import World

NOTHING = -1


def newest_model(store: ModelStore) -> tuple[int, int]:
    """Iterations of the newest model in a folder, whole or not, and a number that tells it apart.

    Both are `NOTHING` where there is no model; the second alone where it can't be read.
    """
    if saves := store.saves.all():
        return saves[0].iterations, _digest(store, saves[0])
    if store.path.exists():
        with suppress(FaceswapError):
            stored = StateFile(str(store.folder), store.name).load()
            return int(stored.get("iterations", 0)), _digest(store, None)
    return NOTHING, NOTHING


def _digest(store: ModelStore, save: Generation | None) -> int:
    """Of the model's file, as its save has it; `NOTHING` if unreadable: told later."""
    with suppress(FaceswapError, OSError, KeyError, ValueError):
        if save:
            found = bytes.fromhex(save.manifest.files[MODEL][1])
        else:
            with store.path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").digest()
        return int.from_bytes(found[:7])
    return NOTHING


def own_folder() -> TemporaryDirectory[str]:
    """A new folder for what a process is handed, that goes with it.

    Raises
    ------
    FaceswapError
        It can't be made, for instance because the disk is full.
    """
    place = roomy_folder()
    try:
        return TemporaryDirectory(prefix="faceswap_", dir=place, ignore_cleanup_errors=True)
    except OSError as error:
        raise FaceswapError(
            f"no folder can be made in '{place}': {error.strerror or error}; free some room, or "
            "name another folder in TMPDIR"
        ) from error


def hand_over(world: World, store: ModelStore) -> None:
    """Give all processes the first one's newest save.

    Parameters
    ----------
    world
        The processes that train together; all of them have to ask.
    store
        Where the model is, in the first process; in the others an empty folder of their own, which
        then holds the same.

    Raises
    ------
    FaceswapError
        No save is whole; in the first process.
    """
    if world.size == 1:
        return
    paths: list[Path] = []
    world.lead(lambda: paths.extend(_newest(store)))
    names = [path.relative_to(store.folder).as_posix() for path in paths]
    for name in json.loads(world.share(json.dumps(names))):
        world.share_file(store.folder / name)


def take_back(folder: str) -> None:
    """Remove what was handed over, once the model is in memory.

    Parameters
    ----------
    folder
        Of a process that is not the first. It stays, empty.
    """
    for path in Path(folder).iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _newest(store: ModelStore) -> list[Path]:
    """Files of the newest save; none where the model is new."""
    current = store.current
    if current is None:
        return [path for path in (store.path, store.state_path) if path.exists()]
    return sorted(path for path in current.path.iterdir() if path.is_file())
