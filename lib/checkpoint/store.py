"""A model's folder: where its saves are found, and what other programs see of them."""

import filecmp
import logging
import os
from collections.abc import Callable
from pathlib import Path

import keras

from lib.checkpoint.generations import Generation, Generations
from lib.checkpoint.safe import ModelFileError, load_safely
from lib.checkpoint.snapshots import copy_folder
from lib.errors import FaceswapError
from lib.files import keep_as, make_read_only

logger = logging.getLogger(__name__)


class ModelStore:
    """Where a model is kept.

    Parameters
    ----------
    model_dir
        The model's folder; it is made at the first save.
    name
        The model plugin's name.
    keep
        How many saves to keep, besides the backup.

    Attributes
    ----------
    path, state_path
        ``<name>.keras`` and ``<name>_state.json``: the newest save, for other programs.
    backup
        ``<name>.keras.bk``: the backup's model, likewise.
    saves
        The saves themselves.
    history : list of list of float
        Losses of side A and of side B, an entry an iteration, since the last save.
    """

    def __init__(self, model_dir: str, name: str, keep: int = 3) -> None:
        self.folder = Path(os.path.abspath(model_dir))
        self.name = name
        self.path = self.folder / f"{name}.keras"
        self.state_path = self.folder / f"{name}_state.json"
        self.backup = self.folder / f"{name}.keras.bk"
        self.saves = Generations(self.folder, name, keep)
        self.history: list[list[float]] = [[], []]

    @property
    def exists(self) -> bool:
        """Whether there is a saved model."""
        return bool(self.saves.all()) or self.path.exists()

    @property
    def current(self) -> Generation | None:
        """The save to go on from: the newest that is whole.

        None where there is no save, or one of the first versions of this program, which left
        ``<name>.keras`` and ``<name>_state.json`` alone.

        Raises
        ------
        FaceswapError
            There are saves, and none is whole.
        """
        newest, damaged = self.saves.newest()
        if damaged and newest is None:
            reasons = "; ".join(f"{one}: {why}" for one, why in damaged.items())
            raise FaceswapError(
                f"no save in '{self.saves.folder}' can be read ({reasons}): nothing was changed; "
                "bring the folder back from a copy, or go on from a snapshot: "
                f"faceswap restore -m '{self.folder}' --from SNAPSHOT"
            )
        for generation, why in damaged.items():
            logger.warning("%s of '%s' is left out: %s", generation, self.name, why)
        if damaged:
            logger.warning("The newest that is whole is %s: going on from there", newest)
        return newest

    def earlier(self, below: int) -> Generation:
        """The newest whole save of fewer iterations than `below`, or else the oldest whole one.

        Raises
        ------
        FaceswapError
            No save is whole.
        """
        whole = self.saves.whole()
        if not whole:
            raise FaceswapError(f"there is no whole save in '{self.saves.folder}' to go back to")
        return next((one for one in whole if one.iterations < below), whole[-1])

    def check_folder(self) -> None:
        """Refuse a folder that holds other plugins' models, or nothing but a backup.

        Raises
        ------
        FaceswapError
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise FaceswapError(f"model folder '{self.folder}' is a file: name a folder with -m")
        if self.saves.folder.exists() and not self.saves.folder.is_dir():
            raise FaceswapError(f"'{self.saves.folder}' is a file: saves go there, so move it")
        found = models_in(self.folder)
        if found - {self.name}:
            is_one = len(found) == 1
            other = "choose that model with -t" if is_one else "move the others' files away"
            raise FaceswapError(
                f"model folder '{self.folder}' holds a model of {_listed(found)}: "
                f"give '{self.name}' a folder of its own with -m, or {other}"
            )
        if os.path.lexists(self.backup) and not self.exists:
            state = self.state_path.name
            raise FaceswapError(
                f"model folder '{self.folder}' holds no model but its backup: rename "
                f"'{self.backup.name}' to '{self.path.name}', and '{state}.bk' to '{state}', to "
                "go on from it, or name another folder with -m"
            )

    def load(self) -> keras.Model:
        """Load the newest model that is whole, and its optimizer.

        Raises
        ------
        FaceswapError
            No file is whole, or it is no model; all files are left as they are.
        """
        current = self.current
        return self.load_file(current.model if current else self.path)

    def load_file(self, path: Path) -> keras.Model:
        """Load a model and its optimizer from one file.

        Raises
        ------
        FaceswapError
            The file is damaged or not a model; it is left as it is. Or memory ran out.
        """
        try:
            return load_safely(path)
        except ModelFileError as error:
            raise FaceswapError(f"{error}: {self.saves.way_back(self.path)}") from error

    def publish(self, newest: Generation) -> None:
        """Show the newest save and its backup under the names that other programs know.

        Raises
        ------
        FaceswapError
            The folder can't be written to.
        """
        keep_as(newest.model, self.path)
        keep_as(newest.state, self.state_path)
        if backup := self.saves.backup(newest):
            keep_as(backup.model, self.backup)
            keep_as(backup.state, self.state_path.with_name(f"{self.state_path.name}.bk"))

    def save(self, iterations: int, write: Callable[[Path], None], *, back_up: bool) -> Generation:
        """Make a save, show it to other programs, and take away what is too old.

        Parameters
        ----------
        iterations, write, back_up
            As in `Generations.add`.

        Raises
        ------
        FaceswapError
            It can't be written, or something in it is wrong. The saves that were there stay.
        """
        try:
            generation = self.saves.add(iterations, write, back_up=back_up)
        except OSError as error:
            raise FaceswapError(f"can't save to '{self.folder}': {_why(error)}") from error
        # From here on the save is whole, whatever happens.
        # cp onto a plain name would else write through the link.
        for path in (generation.model, generation.state):
            make_read_only(path)
        is_shown = self._show(generation)
        try:
            self.saves.prune(spared=() if is_shown else self._shown())
        except OSError as error:
            logger.warning("Older saves in '%s' can't be removed: %s", self.folder, _why(error))
        return generation

    def _show(self, generation: Generation) -> bool:
        try:
            self.publish(generation)
        except FaceswapError as error:
            logger.warning(
                "%s is whole, but other programs see an older one: %s", generation, error
            )
            return False
        return True

    def _shown(self) -> set[Generation]:
        """The saves that the plain names show.

        Without them the next run would take what these names hold for a model put there by hand.
        """
        known = self.saves.known()
        model = next((one for one in known if is_same(self.path, one.model)), None)
        state = next((one for one in known if is_same(self.state_path, one.state)), None)
        return {one for one in (model, state) if one is not None}

    def snapshot(self, generation: Generation) -> Path:
        """Copy the model's folder beside itself, with one save alone.

        Parameters
        ----------
        generation
            The save, which has just been made.

        Returns
        -------
        Path
            The copy, ``<model_dir>_snapshot_<iterations>_iters``; one of that name is replaced.

        Raises
        ------
        FaceswapError
            As `copy_folder`.
        """
        name = f"{self.folder.name}_snapshot_{generation.iterations}_iters"
        return copy_folder(self.folder, self.folder.with_name(name), self.name, generation)


def find_model(model_dir: str) -> str:
    """Name of the one model that a folder holds.

    Raises
    ------
    FaceswapError
        There is none, or there are several.
    """
    names = models_in(model_dir)
    if len(names) == 1:
        return names.pop()
    what = f"models of {_listed(names)}" if names else "no model"
    mend = "name one that holds one model"
    if not names and (backup := next(Path(model_dir).glob("*.keras.bk"), None)):
        what = f"no model but a backup, '{backup.name}'"
        mend = f"rename it to '{backup.stem}', and its '_state.json.bk' likewise"
    raise FaceswapError(f"model folder '{model_dir}' holds {what}: {mend}")


def models_in(model_dir: str | Path) -> set[str]:
    """Names of the models that a folder holds; none where it is not there."""
    folder, found = Path(model_dir), set()
    for ending in (".keras", "_state.json", "_saves"):
        for path in folder.glob(f"*{ending}"):
            name = path.name.removesuffix(ending)
            is_model = ending != "_saves" or Generations(folder, name).all()
            if is_model and not name.startswith("."):
                found.add(name)
    return found


def is_same(path: Path, other: Path) -> bool:
    """Whether two files are one, or alike to the last byte."""
    if not (path.is_file() and other.is_file()):
        return False
    return path.samefile(other) or filecmp.cmp(path, other, shallow=False)


def _listed(names: set[str]) -> str:
    return " and of ".join(f"'{name}'" for name in sorted(names))


def _why(error: OSError) -> str:
    return error.strerror or str(error).partition("\n")[0]
