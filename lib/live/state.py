"""Whether a run goes on, and how it ended if it does not: for the page and the commands."""

from pathlib import Path
from typing import Literal

from lib.folder_lock import FolderLock
from lib.live.status import live_folder, read_status

RunState = Literal["running", "stopped", "failed", "killed"]

_ENDED: dict[str, RunState] = {"stopped": "stopped", "failed": "failed"}


def state_of(model_dir: str | Path, name: str) -> RunState | None:
    """How a model's last run fares.

    A run that was killed leaves a status that says that it trains. But the operating system lets
    go of its lock on the folder, so that it can be told apart from one that goes on.

    Parameters
    ----------
    model_dir
        The model's folder.
    name
        The model plugin's name.

    Returns
    -------
    str or None
        "running", from the first moment to the last save; "stopped" with a save; "failed" with a
        reason, which the status tells; "killed" without a word. None where no run has left one.

    Raises
    ------
    FaceswapError
        The status, or the lock of another user's run, can't be read.
    """
    lock, folder = FolderLock(model_dir), live_folder(model_dir, name)
    was_held = lock.holder() is not None
    status = read_status(folder)
    if status is None:
        return None
    if ended := _ENDED.get(status.state):
        return ended
    # It may have begun, or ended, between the two looks.
    if was_held or lock.holder() is not None:
        return "running"
    newest = read_status(folder)
    return _ENDED.get(newest.state, "killed") if newest else None
