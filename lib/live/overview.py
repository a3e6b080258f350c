"""A run in a few facts, for ``faceswap status``: from its status and its log."""

import os
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from lib.errors import FaceswapError
from lib.live.history import Event, log_path, newest, read_events
from lib.live.state import RunState, state_of
from lib.live.status import Status, live_folder, read_status

WARNINGS = 3
"""The newest warnings of a run that trains are told, so many."""

_ENDINGS = "_live", "_log.jsonl", "_state.json"


def model_in(model_dir: str | Path) -> str:
    """Name of the one model that has been trained, or begun, in a folder.

    Unlike `lib.checkpoint.store.find_model` it loads nothing heavy, and finds one that has not been
    saved yet.

    Raises
    ------
    FaceswapError
        There is none, there are several, or the folder can't be read.
    """
    folder = Path(model_dir)
    found = {
        name.removesuffix(ending)
        for name in _names_in(folder)
        for ending in _ENDINGS
        if name.endswith(ending) and not name.startswith(".")
    }
    if len(found) == 1:
        return found.pop()
    what = f"several models, {', '.join(sorted(found))}" if found else "no model"
    raise FaceswapError(f"'{folder}' holds {what}: name the folder of one model")


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise FaceswapError(f"'{folder}' can't be read: {error.strerror}") from error


@dataclass(frozen=True, kw_only=True)
class Overview:
    """How a model's last run fares, or fared.

    Attributes
    ----------
    model
        The model plugin's name.
    state
        As of `lib.live.state.state_of`.
    status
        The newest; None where no run has left one.
    saved, held_out
        Event of the last save, and of the newest held-out score; None where there is none.
    early_warnings
        Events of the run's warnings before its first iteration.
    warnings
        Events of its newest ones since, the oldest first.
    """

    model: str
    state: RunState | None
    status: Status | None
    saved: Event | None
    held_out: Event | None
    early_warnings: list[Event]
    warnings: list[Event]

    def as_json(self) -> dict[str, Any]:
        """All of it, as JSON can hold it, with the estimates of the status."""
        held = asdict(self)
        if self.status is not None:
            held["status"]["seconds_to_save"] = self.status.seconds_to_save
            held["status"]["seconds_to_end"] = self.status.seconds_to_end
        return held


def overview(model_dir: str | Path) -> Overview:
    """Look at a model's last run.

    Raises
    ------
    FaceswapError
        The folder holds no model, or what the run left can't be read.
    """
    name = model_in(model_dir)
    events = read_events(log_path(model_dir, name))
    last = max((at for at, e in enumerate(events) if e["event"] == "begun"), default=0)
    warnings = [e for e in events[last:] if e["event"] == "warning"]
    # One of a run that has gone back to before its begin is of an earlier iteration.
    early = [*takewhile(lambda e: e["iteration"] == events[last]["iteration"], warnings)]
    state = state_of(model_dir, name)
    return Overview(
        model=name,
        state=state,
        status=read_status(live_folder(model_dir, name)),
        saved=newest(events, "saved"),
        held_out=newest(events, "held_out"),
        early_warnings=early,
        warnings=warnings[len(early) :][-WARNINGS:],
    )
