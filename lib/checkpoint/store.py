"""A model's files: ``<name>.keras``, its backup, and snapshots of the whole folder."""

import os
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import keras

from lib.errors import FaceswapError
from lib.files import keep_as, replacing


class ModelStore:
    """Where a model is kept.

    Parameters
    ----------
    model_dir
        The model's folder; it is made at the first save.
    name
        The model plugin's name.

    Attributes
    ----------
    history : list of list of float
        Losses of side A and of side B, an entry an iteration, since the last save.
    """

    def __init__(self, model_dir: str, name: str) -> None:
        self.folder = Path(os.path.abspath(model_dir))
        self.name = name
        self.path = self.folder / f"{name}.keras"
        self.backup = self.folder / f"{name}.keras.bk"
        self.history: list[list[float]] = [[], []]

    @property
    def exists(self) -> bool:
        """Whether there is a saved model."""
        return self.path.exists()

    def check_folder(self) -> None:
        """Refuse a folder that holds another plugin's model, or several plugins' models.

        Raises
        ------
        FaceswapError
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise FaceswapError(f"model folder '{self.folder}' is a file: name a folder with -m")
        found = _names(self.folder)
        if found - {self.name}:
            raise FaceswapError(
                f"model folder '{self.folder}' holds a model of {_listed(found)}: "
                f"give '{self.name}' a folder of its own with -m, or choose that model with -t"
            )

    def check_writable(self) -> None:
        """Find out whether the model can be saved, and leave no trace.

        Raises
        ------
        FaceswapError
            The folder, or the nearest one above it that exists, can't be written to.
        """
        folder = self.folder.absolute()
        while not folder.exists():
            folder = folder.parent
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise FaceswapError(
                f"model folder '{self.folder}' can't be written to ({error.strerror}): "
                "name another with -m, or change its permissions"
            ) from error

    def load(self) -> keras.Model:
        """Load the model and its optimizer.

        Raises
        ------
        FaceswapError
            The file is damaged or not a model; it is left as it is.
        """
        try:
            if not self.path.is_file():
                raise ValueError("it is no file")
            if not zipfile.is_zipfile(self.path):
                raise ValueError("it is no .keras archive")
            return keras.saving.load_model(self.path, safe_mode=True)
        except Exception as error:
            unknown = re.search(r"Could not locate class '\w+'", str(error))
            why = unknown.group() if unknown else str(error).strip().partition("\n")[0]
            if unknown:
                raise FaceswapError(
                    f"model file '{self.path}' is whole but can't be rebuilt ({why}): layers of a "
                    "plugin's own need @keras.saving.register_keras_serializable()"
                ) from error
            raise FaceswapError(
                f"model file '{self.path}' is damaged ({why}): {self._mend()}"
            ) from error

    def _mend(self) -> str:
        if self.backup.exists():
            return f"restore '{self.backup.name}', the last backup, in its place"
        return "there is no backup beside it; a snapshot folder may hold an older model"

    def save(self, model: keras.Model, *, back_up: bool) -> None:
        """Replace the model's file in one step.

        Parameters
        ----------
        model
            The model, with its optimizer.
        back_up
            Whether to keep the file that is replaced as the backup.

        Raises
        ------
        FaceswapError
            It can't be written; the file that was there stays.
        """
        with replacing(self.path) as temporary:
            model.save(temporary)
            if back_up:
                keep_as(self.path, self.backup)

    def snapshot(self, iterations: int) -> Path:
        """Copy the model's folder beside itself.

        Parameters
        ----------
        iterations
            The count that goes into the copy's name.

        Returns
        -------
        Path
            The copy, ``<model_dir>_snapshot_<iterations>_iters``; one of that name is replaced.
        """
        target = self.folder.with_name(f"{self.folder.name}_snapshot_{iterations}_iters")
        partial = target.with_name(f".{target.name}.partial")
        try:
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(self.folder, partial)
            shutil.rmtree(target, ignore_errors=True)
            os.replace(partial, target)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            why = error.strerror or "some files of the model's folder can't be copied"
            raise FaceswapError(f"can't write the snapshot '{target}': {why}") from error
        return target


def find_model(model_dir: str) -> str:
    """Name of the one model that a folder holds.

    Raises
    ------
    FaceswapError
        There is none, or there are several.
    """
    names = _names(Path(model_dir))
    if len(names) == 1:
        return names.pop()
    what = f"models of {_listed(names)}" if names else "no model"
    raise FaceswapError(f"model folder '{model_dir}' holds {what}: name one that holds one model")


def _names(folder: Path) -> set[str]:
    models = {path.stem for path in folder.glob("*.keras") if not path.name.startswith(".")}
    states = {path.name.removesuffix("_state.json") for path in folder.glob("*_state.json")}
    return models | {name for name in states if not name.startswith(".")}


def _listed(names: set[str]) -> str:
    return " and of ".join(f"'{name}'" for name in sorted(names))
