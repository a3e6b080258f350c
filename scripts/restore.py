"""``faceswap restore``: lists what a model can go back to, and goes back."""

import glob
import os
import shutil
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lib.checkpoint.generations import MODEL, RANDOM, STATE, Generation, Generations
from lib.checkpoint.manifest import DamagedSaveError
from lib.checkpoint.recovery import holds_strangers, recover
from lib.checkpoint.snapshots import copy_folder
from lib.checkpoint.state_file import StateFile
from lib.checkpoint.store import ModelStore, find_model
from lib.errors import FaceswapError
from lib.folder_lock import FolderLock
from lib.live.events import EventLog
from lib.live.history import log_path
from lib.live.status import live_folder, read_status, write_status
from plugins import loader
from scripts.command import Command

EVERY = 10**9
"""Going back takes no save away, however many there are."""

Files = dict[str, Path]
"""Where the files of a save come from, by their names in it."""


class Restore(Command):
    """The restore command."""

    def process(self) -> None:
        """List saves and snapshots, or go back to one of them.

        Raises
        ------
        FaceswapError
            There is no such save, it is not whole, or a run holds the folder.
        """
        self.log()
        name = find_model(self._args.model_dir)
        store = ModelStore(self._args.model_dir, name, keep=EVERY)
        if self._args.save is None and self._args.source is None:
            for line in listing(store):
                print(line)
            return
        with FolderLock(store.folder):
            chosen = self._chosen(store)
            if store.saves.newest()[0]:
                recover(store)  # first of all it keeps what was put there by hand
            saved = chosen[STATE].stat().st_mtime
            kept = keep_present(store)
            restored = restore(store, chosen)
            _tell(store, restored.iterations, saved)
        if kept:
            print(f"What was there is kept in '{kept}'")
        print(
            f"'{store.folder}' is back at iteration {restored.iterations:,}; training goes on there"
        )

    def _chosen(self, store: ModelStore) -> Files:
        """What to go back to."""
        if self._args.source is not None:
            return source_files(Path(self._args.source), store.name, self._args.plugin_dir)
        for generation in store.saves.all():
            if generation.number == self._args.save:
                return _whole_files(generation)
        raise FaceswapError(
            f"there is no save {self._args.save} in '{store.saves.folder}': faceswap restore -m "
            f"'{store.folder}' lists them"
        )


def _tell(store: ModelStore, iteration: int, saved: float) -> None:
    """Let those who look at the run see where the model stands now, and what came before it."""
    log, folder = log_path(store.folder, store.name), live_folder(store.folder, store.name)
    if log.exists():
        EventLog(log).add("restored", iteration, saved=saved)
    with suppress(FaceswapError):  # a damaged status, or a full disk: the model is restored
        if status := read_status(folder):
            # Its losses are of the iteration where the run ended.
            status = replace(status, iteration=iteration, loss_a=None, loss_b=None)
            write_status(folder, status)


def listing(store: ModelStore) -> list[str]:
    """What a model can go back to, a line each."""
    saves = store.saves.all()
    backup = store.saves.backup(saves[0]) if saves else None
    lines = [
        f"--save {one.number:<5} iteration {one.iterations:<10,} {_when(one.path)}  {_state(one)}"
        f"{'  backup' if one == backup else ''}{'  newest' if one == saves[0] else ''}"
        for one in saves
    ]
    name = glob.escape(store.folder.name)
    beside = sorted(store.folder.parent.glob(f"{name}_snapshot_*_iters"))
    beside += sorted(store.folder.parent.glob(f"{name}_before_restore_*"))
    beside += sorted(store.saves.folder.glob("found_*"))
    beside += [one.path for one in store.saves.abandoned()]
    lines += [f"--from '{path}'  {_when(path)}" for path in beside]
    return lines or [
        f"'{store.folder}' holds nothing but '{store.path.name}': nothing to go back to"
    ]


def _state(generation: Generation) -> str:
    try:
        generation.verify()
    except DamagedSaveError as error:
        return f"damaged: {error}"
    except FaceswapError as error:
        return str(error)
    return "whole"


def _when(path: Path) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))


def _whole_files(generation: Generation) -> Files:
    try:
        generation.verify()
    except DamagedSaveError as error:
        raise FaceswapError(f"{generation} can't be gone back to: {error}") from error
    names = {MODEL, STATE, RANDOM} & generation.manifest.files.keys()
    return {name: generation.path / name for name in names}


def source_files(folder: Path, name: str, plugin_dir: str | None) -> Files:
    """Model and state in a snapshot's folder, in a save's, or in any that holds the two files.

    Raises
    ------
    FaceswapError
        They are not there, or not whole.
    """
    path = Path(os.path.abspath(folder))
    for generation in Generations(path.parent.parent, name).known():
        if generation.path == path:
            return _whole_files(generation)
    store = ModelStore(str(folder), name)
    if store.saves.all():
        current = store.current
        assert current is not None
        return _whole_files(current)
    if not (store.path.is_file() and store.state_path.is_file()):
        raise FaceswapError(
            f"'{folder}' holds no model of '{name}': name a snapshot's folder, or one that holds "
            f"'{store.path.name}' and '{store.state_path.name}'"
        )
    # There are no checksums to go by. The plugin brings the layers of its own.
    loader.load_model(name, plugin_dir)
    store.load_file(store.path)
    return {MODEL: store.path, STATE: store.state_path}


def keep_present(store: ModelStore) -> Path | None:
    """Copy the folder as it is, with its newest save, or where none is whole with its plain files.

    Returns
    -------
    Path or None
        The copy; None where there is nothing whose place another save takes.
    """
    newest, _ = store.saves.newest()
    if newest is None and not holds_strangers(store):
        return None
    iterations = newest.iterations if newest else _plain_iterations(store)
    stem = f"{store.folder.name}_before_restore_{iterations}_iters"
    target, count = store.folder.with_name(stem), 1
    while target.exists():
        count += 1
        target = store.folder.with_name(f"{stem}_{count}")
    return copy_folder(store.folder, target, store.name, newest)


def _plain_iterations(store: ModelStore) -> int:
    with suppress(FaceswapError):
        return int(StateFile(str(store.folder), store.name).read(store.state_path)["iterations"])
    return 0


def restore(store: ModelStore, files: Files) -> Generation:
    """Make a save of these files; it is the newest then.

    Raises
    ------
    FaceswapError
        The state is none, or the save can't be written.
    """
    stored = StateFile(str(store.folder), store.name).read(files[STATE])

    def write(folder: Path) -> None:
        for name, path in files.items():
            shutil.copy2(path, folder / name)

    return store.save(stored["iterations"], write, back_up=False)
