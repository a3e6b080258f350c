"""What is to be said of a model's folder: who uses it, what is whole, and room for more."""

import os
import shutil
from collections.abc import Iterator

from lib.checkpoint.generations import Generation
from lib.checkpoint.state_file import StateFile
from lib.checkpoint.store import ModelStore, find_model
from lib.errors import FaceswapError
from lib.findings import Finding
from lib.folder_lock import FolderLock


def examine(folder: str) -> Iterator[Finding]:
    """Look at a model's folder, and change nothing."""
    try:
        store = ModelStore(folder, find_model(folder))
        saves = store.saves.all()
    except FaceswapError as error:
        yield False, str(error)
        return
    yield _use(store)
    for generation in saves:
        yield _save(generation, store)
    if not saves:
        yield _first_version(store)
    aside = {one.path for one in store.saves.known()} - {one.path for one in saves}
    for path in sorted(aside | {*store.saves.folder.glob("found_*")}):
        yield True, f"'{path}' is kept aside; no run needs it"
    yield _room(store)


def _use(store: ModelStore) -> Finding:
    try:
        holder = FolderLock(store.folder).holder()
    except FaceswapError as error:
        return False, str(error)
    return True, f"'{store.folder}': {f'in use by {holder}' if holder else 'in use by no run'}"


def _first_version(store: ModelStore) -> Finding:
    try:
        StateFile(str(store.folder), store.name).read(store.state_path)
    except FaceswapError as error:
        return False, str(error)
    return True, f"'{store.path}': of one of the first versions, without checksums"


def _save(generation: Generation, store: ModelStore) -> Finding:
    try:
        generation.verify()
        StateFile(str(store.folder), store.name).read(generation.state)
    except FaceswapError as error:
        return False, f"{generation}: {error}"
    return True, f"{generation}: whole"


def _room(store: ModelStore) -> Finding:
    newest = store.saves.all()
    needed = sum(file.stat().st_size for file in newest[0].path.iterdir()) if newest else 0
    free = shutil.disk_usage(store.folder).free
    line = f"room for {free >> 20:,} MiB more; a save takes {-(-needed >> 20):,} MiB"
    if free < 2 * needed:
        return False, f"{line}: free some, or lower --keep-saves"
    if not os.access(store.folder, os.W_OK):
        return False, f"'{store.folder}' can't be written to: change its permissions"
    return True, line
