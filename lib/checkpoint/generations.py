"""The newest few saves of a model, each a folder that comes into being in one step."""

import os
import re
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from lib.checkpoint.manifest import DamagedSaveError, Manifest
from lib.errors import FaceswapError
from lib.files import make_folder, sync

MODEL, STATE, RANDOM = "model.keras", "state.json", "random.npz"
_NAME = r"(\d{6,12})_(\d{1,16})"
_DAMAGED, _ABANDONED = ".damaged", ".abandoned"
PARTIAL, _PRUNED = ".partial-", ".pruned-"
"""How the names of folders begin that come to nothing if a run dies, and that are taken away."""


@dataclass(frozen=True, order=True)
class Generation:
    """One save.

    Attributes
    ----------
    number
        Its place among the model's saves, from 1.
    iterations
        Iterations that the model was trained for.
    path
        Its folder.
    """

    number: int
    iterations: int
    path: Path

    def __str__(self) -> str:
        return f"save {self.number} (iteration {self.iterations:,})"

    @property
    def model(self) -> Path:
        """The model with its optimizer."""
        return self.path / MODEL

    @property
    def state(self) -> Path:
        """Sessions, iterations, options."""
        return self.path / STATE

    @property
    def random(self) -> Path:
        """Where the generators of random numbers stood."""
        return self.path / RANDOM

    @cached_property
    def manifest(self) -> Manifest:
        """The list of its files; raises as `Manifest.read`."""
        return Manifest.read(self.path)

    def verify(self) -> None:
        """Compare all files with their checksums; those that did not change since, only once.

        Raises
        ------
        DamagedSaveError
            It is not what it was when it was written.
        """
        manifest = self.manifest
        if (f"{manifest.model}_saves", manifest.iterations) != (
            self.path.parent.name,
            self.iterations,
        ):
            raise DamagedSaveError(
                f"by its manifest it is of '{manifest.model}', iteration {manifest.iterations:,}"
            )
        if not {MODEL, STATE} <= manifest.files.keys():
            raise DamagedSaveError("its manifest lists no model, or no state")
        stamps = []
        for name in sorted(manifest.files):
            with suppress(OSError):  # which one it is, and why, is told by the comparison
                status = (self.path / name).stat()
                stamps.append((name, status.st_size, status.st_mtime_ns, status.st_ino))
        why = _damage(self.path, tuple(stamps))
        if why:
            raise DamagedSaveError(why)


@lru_cache(maxsize=64)
def _damage(path: Path, stamps: tuple[object, ...]) -> str | None:
    """Why a save is not whole; the stamps of its files tell when to look again."""
    try:
        Manifest.read(path).verify(path)
    except DamagedSaveError as error:
        return str(error)
    return None


class Generations:
    """A model's saves, ``<model_dir>/<name>_saves/<number>_<iterations>/``.

    Parameters
    ----------
    model_dir
        The model's folder.
    name
        The model plugin's name.
    keep
        How many to keep, besides the backup; at least 1.
    """

    def __init__(self, model_dir: Path, name: str, keep: int = 3) -> None:
        self.folder = model_dir / f"{name}_saves"
        self._name = name
        self._keep = keep

    def all(self) -> list[Generation]:
        """Every save, the newest first; whether they are whole is not looked at."""
        return self._named("")

    def abandoned(self) -> list[Generation]:
        """What `abandon` left, the newest first."""
        return self._named(rf"\{_ABANDONED}(?:\.\d+)?")

    def known(self) -> list[Generation]:
        """Every save, those too that were set aside or abandoned, the newest first."""
        return self._named(r"(?:\..*)?")

    def _named(self, ending: str) -> list[Generation]:
        found = []
        with suppress(FileNotFoundError, NotADirectoryError):
            for path in self.folder.iterdir():
                if match := re.fullmatch(_NAME + ending, path.name):
                    number, iterations = map(int, match.groups())
                    found.append(Generation(number, iterations, path))
        return sorted(found, reverse=True)

    def newest(self) -> tuple[Generation | None, dict[Generation, str]]:
        """The newest save that is whole, None where there is none; and why newer ones are not."""
        damaged: dict[Generation, str] = {}
        for generation in self.all():
            try:
                generation.verify()
            except DamagedSaveError as error:
                damaged[generation] = str(error)
            else:
                return generation, damaged
        return None, damaged

    def whole(self) -> list[Generation]:
        """Every save that is whole, the newest first."""
        found = []
        for generation in self.all():
            with suppress(DamagedSaveError):
                generation.verify()
                found.append(generation)
        return found

    def add(self, iterations: int, write: Callable[[Path], None], *, back_up: bool) -> Generation:
        """Make a save: whole, or not at all.

        Parameters
        ----------
        iterations
            Iterations that the model was trained for.
        write
            Writes the files of the save into the folder that it is given.
        back_up
            Whether the newest save so far becomes the backup.

        Raises
        ------
        OSError
            It can't be written, or is not sure to survive a power cut.
        """
        earlier, known = self.all(), self.known()
        number = known[0].number + 1 if known else 1
        partial = self.folder / f"{PARTIAL}{os.getpid()}"
        target = self.folder / f"{number:06}_{iterations}"
        try:
            shutil.rmtree(partial, ignore_errors=True)
            make_folder(self.folder)
            partial.mkdir()
            write(partial)
            backup = self._next_backup(earlier, back_up=back_up)
            Manifest.of(partial, self._name, iterations, backup).write(partial)
            for path in partial.iterdir():
                sync(path)
            sync(partial)
            os.rename(partial, target)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        sync(self.folder)
        return Generation(number, iterations, target)

    def _next_backup(self, earlier: list[Generation], *, back_up: bool) -> str | None:
        if not earlier:
            return None
        if back_up:
            return earlier[0].path.name
        backup = self.backup(earlier[0])
        return backup.path.name if backup else None

    def backup(self, generation: Generation) -> Generation | None:
        """The save that is a save's backup, if it is there."""
        with suppress(FaceswapError):
            named = generation.manifest.backup
            return next((one for one in self.all() if one.path.name == named), None)
        return None

    def way_back(self, file: Path) -> str:
        """What to do where a file that other programs know can't be used, in words.

        Parameters
        ----------
        file
            Model or state under its plain name.
        """
        if self.all():
            # Nothing reads the plain names then, and to write to a link would harm a save.
            return f"faceswap restore -m '{self.folder.parent}' lists what to go back to"
        if file.with_name(f"{file.name}.bk").exists():
            return f"restore '{file.name}.bk', the last backup, in its place"
        return "there is no backup beside it; a snapshot folder may hold an older one"

    def prune(self, spared: Collection[Generation] = ()) -> None:
        """Take away all but the newest ones and the backup, and all but as many abandoned ones.

        Parameters
        ----------
        spared
            Saves that stay besides.

        Raises
        ------
        OSError
            One can't be taken away.
        """
        self._clear(_PRUNED)  # what an earlier one could not take away
        newest, *others = self.all()
        stay = {self.backup(newest), *spared}
        for generation in (*others[self._keep - 1 :], *self.abandoned()[self._keep :]):
            if generation not in stay:
                # Renamed first, so that a program that dies just then leaves no half save.
                gone = generation.path.with_name(f"{_PRUNED}{generation.path.name}")
                os.rename(generation.path, gone)
                shutil.rmtree(gone)

    def sweep(self) -> None:
        """Take away what a program that died left half done."""
        self._clear(PARTIAL)
        self._clear(_PRUNED)

    def _clear(self, prefix: str) -> None:
        for path in self.folder.glob(f"{prefix}*"):
            shutil.rmtree(path, ignore_errors=True)

    def abandon(self, newest: Generation) -> None:
        """Give all saves that came after one names that are no saves'; nothing is deleted.

        Parameters
        ----------
        newest
            The save that a run has gone back to: what it did since is not gone on with.

        Raises
        ------
        FaceswapError
            One can't be renamed.
        """
        try:
            for generation in self.all():
                if generation.number > newest.number:
                    _rename(generation, _ABANDONED)
            sync(self.folder)
        except OSError as error:
            raise FaceswapError(f"can't rename in '{self.folder}': {error.strerror}") from error

    @staticmethod
    def set_aside(generation: Generation) -> Path:
        """Give a damaged save a name that is no save's; nothing of it is deleted."""
        return _rename(generation, _DAMAGED)


def _rename(generation: Generation, ending: str) -> Path:
    aside, count = generation.path.with_name(f"{generation.path.name}{ending}"), 1
    while aside.exists():
        count += 1
        aside = generation.path.with_name(f"{generation.path.name}{ending}.{count}")
    os.rename(generation.path, aside)
    return aside
