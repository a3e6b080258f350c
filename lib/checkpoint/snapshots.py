"""Copies of a model's folder beside it: whole, or not there."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from lib.checkpoint.generations import MODEL, STATE, Generation, Generations
from lib.errors import FaceswapError
from lib.files import keep_as, sync
from lib.live.status import live_folder


def copy_folder(source: Path, target: Path, name: str, generation: Generation | None) -> Path:
    """Copy a model's folder with one of its saves, so that no damage there reaches the copy.

    Parameters
    ----------
    source
        The model's folder.
    target
        The copy; one of that name is replaced.
    name
        The model plugin's name.
    generation
        The save; None copies the files that have the plain names instead.

    Returns
    -------
    Path
        The copy.

    Raises
    ------
    FaceswapError
        It can't be written; there is no half copy, and one that was to be replaced stays.
    """
    unfinished = target.with_name(f".{target.name}.partial")
    replaced = target.with_name(f".{target.name}.replaced")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        put_back(replaced, target)
        _copy(source, unfinished, name, generation)
        if target.exists():
            os.replace(target, replaced)
        os.replace(unfinished, target)
        sync(target.parent)
    except (OSError, FaceswapError) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise FaceswapError(f"can't write the copy '{target}': {_why(error)}") from error
    finally:
        with suppress(OSError):
            put_back(replaced, target)
    return target


def put_back(replaced: Path, target: Path) -> None:
    """Bring a copy back that was to be replaced, where nothing took its place; else take it away.

    Raises
    ------
    OSError
        It can't be renamed.
    """
    if replaced.exists() and not target.exists():
        os.rename(replaced, target)
    shutil.rmtree(replaced, ignore_errors=True)


def _copy(source: Path, folder: Path, name: str, generation: Generation | None) -> None:
    """Copy what there is; once this returns, model and state survive a power cut."""
    saves = Generations(folder, name).folder
    plain = [f"{name}.keras", f"{name}_state.json"]
    live = live_folder(source, name).name  # of the run; a copy has none

    def left_out(within: str, names: list[str]) -> set[str]:
        hidden = {one for one in names if one.startswith(".") or one.endswith(".bk")}
        return {*plain, saves.name, live, *hidden} if Path(within) == source else set()

    shutil.copytree(source, folder, ignore=left_out, symlinks=True)
    if generation is None:
        files = [source / file for one in plain for file in (one, f"{one}.bk")]
        copies = [Path(shutil.copy2(file, folder)) for file in files if file.is_file()]
    else:
        save = saves / generation.path.name
        shutil.copytree(generation.path, save)
        for file, other in zip((MODEL, STATE), plain, strict=True):
            keep_as(save / file, folder / other)
        copies = [*save.iterdir(), save, saves]
    for path in (*copies, folder):
        sync(path)


def _why(error: OSError | FaceswapError) -> str:
    if isinstance(error, shutil.Error):
        path, _, why = error.args[0][0]
        return f"'{path}' can't be copied ({why})"
    text = error.strerror if isinstance(error, OSError) else None
    return text or str(error).partition("\n")[0]
