"""``faceswap restore``: lists what a model can go back to, and goes back."""

import shutil
import time
from argparse import Namespace
from pathlib import Path

from lib.checkpoint.generations import MODEL, RANDOM, STATE, Generation
from lib.checkpoint.lock import FolderLock
from lib.checkpoint.manifest import DamagedSaveError
from lib.checkpoint.state_file import StateFile
from lib.checkpoint.store import ModelStore, find_model
from lib.errors import FaceswapError
from lib.logs.console import ConsoleLine, LineAwareHandler
from lib.logs.setup import configure
from plugins import loader

EVERY = 10**9
"""Going back takes no save away, however many there are."""


class Restore:
    """The restore command.

    Parameters
    ----------
    arguments : argparse.Namespace
        The command's options.
    """

    def __init__(self, arguments: Namespace) -> None:
        self._args = arguments

    def process(self) -> None:
        """List saves and snapshots, or go back to one of them.

        Raises
        ------
        FaceswapError
            There is no such save, it is not whole, or a run holds the folder.
        """
        configure(self._args.loglevel, self._args.logfile, LineAwareHandler(ConsoleLine()))
        name = find_model(self._args.model_dir)
        store = ModelStore(self._args.model_dir, name, keep=EVERY)
        if self._args.save is None and self._args.source is None:
            for line in listing(store):
                print(line)
            return
        with FolderLock(store.folder):
            chosen = self._chosen(store)
            kept = keep_present(store)
            restored = restore(store, *chosen)
        if kept:
            print(f"What was there is kept in '{kept}'")
        print(
            f"'{store.folder}' is back at iteration {restored.iterations:,}; training goes on there"
        )

    def _chosen(self, store: ModelStore) -> tuple[Path, Path]:
        """Model and state to go back to."""
        if self._args.source is not None:
            return source_files(Path(self._args.source), store.name, self._args.plugin_dir)
        for generation in store.saves.all():
            if generation.number == self._args.save:
                return _whole_files(generation)
        raise FaceswapError(
            f"there is no save {self._args.save} in '{store.saves.folder}': faceswap restore -m "
            f"'{store.folder}' lists them"
        )


def listing(store: ModelStore) -> list[str]:
    """What a model can go back to, a line each."""
    saves = store.saves.all()
    backup = store.saves.backup(saves[0]) if saves else None
    lines = [
        f"--save {one.number:<5} iteration {one.iterations:<10,} {_when(one.path)}  {_state(one)}"
        f"{'  backup' if one == backup else ''}{'  newest' if one == saves[0] else ''}"
        for one in saves
    ]
    beside = sorted(store.folder.parent.glob(f"{store.folder.name}_snapshot_*_iters"))
    beside += sorted(store.folder.parent.glob(f"{store.folder.name}_before_restore_*"))
    beside += sorted(store.saves.folder.glob("found_*"))
    lines += [f"--from '{path}'  {_when(path)}" for path in beside]
    return lines or [
        f"'{store.folder}' holds nothing but '{store.path.name}': nothing to go back to"
    ]


def _state(generation: Generation) -> str:
    try:
        generation.verify()
    except DamagedSaveError as error:
        return f"damaged: {error}"
    return "whole"


def _when(path: Path) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))


def _whole_files(generation: Generation) -> tuple[Path, Path]:
    try:
        generation.verify()
    except DamagedSaveError as error:
        raise FaceswapError(f"{generation} can't be gone back to: {error}") from error
    return generation.model, generation.state


def source_files(folder: Path, name: str, plugin_dir: str | None) -> tuple[Path, Path]:
    """Model and state in a snapshot's folder, or in any that holds the two files.

    Raises
    ------
    FaceswapError
        They are not there, or not whole.
    """
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
    return store.path, store.state_path


def keep_present(store: ModelStore) -> Path | None:
    """Copy the folder as it is, with its newest save; None where no save is whole."""
    newest, _ = store.saves.newest()
    if newest is None:
        return None
    stem = f"{store.folder.name}_before_restore_{newest.iterations}_iters"
    target, count = store.folder.with_name(stem), 1
    while target.exists():
        count += 1
        target = store.folder.with_name(f"{stem}_{count}")
    return store.copy_to(target, newest)


def restore(store: ModelStore, model: Path, state: Path) -> Generation:
    """Make a save of a model and a state; it is the newest then.

    Raises
    ------
    FaceswapError
        The state is none, or the save can't be written.
    """
    stored = StateFile(str(store.folder), store.name).read(state)
    random = model.with_name(RANDOM)

    def write(folder: Path) -> None:
        shutil.copy2(model, folder / MODEL)
        shutil.copy2(state, folder / STATE)
        if random.exists():
            shutil.copy2(random, folder / RANDOM)

    return store.save(stored["iterations"], write, back_up=False)
