"""What viewers ask of a run: one small file each, which the run takes and removes."""

import json
import logging
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lib.config.options import Value
from lib.errors import FaceswapError
from lib.files import UNFINISHED, replacing

logger = logging.getLogger(__name__)

ACTIONS = ("save", "snapshot", "refresh", "stop", "set")
_LARGEST = 4096
_KINDS = (bool, int, float, str)


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Something asked of a run.

    Attributes
    ----------
    action
        One of `ACTIONS`: save, copy the model's folder, renew the preview, stop after this
        iteration with a save, or set an option.
    option, value
        What to set; with "set" alone.
    by
        Who asks, for the log, such as "the page".
    """

    action: str
    option: str = ""
    value: Value = None
    by: str = ""


class Asks:
    """The box that asks are put into, in a run's live folder.

    Parameters
    ----------
    folder
        The live folder, of `lib.live.status.live_folder`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "asks"
        self._stuck: set[str] = set()

    def put(self, ask: Ask) -> Path:
        """Ask for something.

        Returns
        -------
        Path
            The ask's file; it is there until the run takes it.

        Raises
        ------
        FaceswapError
            No run would take it, or the folder can't be written to.
        """
        text = json.dumps(ask.__dict__)
        try:
            _parse(text)
        except ValueError as error:
            raise FaceswapError(f"no run takes that: {error}") from None
        name = f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}.json"
        with replacing(self._folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return self._folder / name

    def take(self) -> list[Ask]:
        """All that was asked since the last time, the oldest first; what is no ask is removed."""
        taken = []
        for path in self._files():
            try:
                taken.append(_take(path))
            except FileNotFoundError:
                continue  # it was withdrawn
            except (OSError, ValueError) as error:
                if os.path.lexists(path):  # one that can't be removed is told of once
                    self._stuck.add(path.name)
                logger.warning("%r asks for nothing that is known: %s", str(path), error)
        return taken

    def clear(self) -> None:
        """Drop what was asked of an earlier run."""
        for path in self._files():
            with suppress(OSError):
                path.unlink()

    def _files(self) -> list[Path]:
        """Asks that are whole; none where the folder can't be read just now."""
        if self._folder.is_symlink():
            return []  # what is removed shall be nobody else's
        with suppress(OSError):
            return [
                path
                for path in sorted(self._folder.glob("*.json"))
                if not path.name.startswith(UNFINISHED) and path.name not in self._stuck
            ]
        return []


def _is_small(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= _LARGEST


def _take(path: Path) -> Ask:
    text = path.read_text(encoding="utf-8") if _is_small(path) else ""
    path.unlink()
    return _parse(text)


def _parse(text: str) -> Ask:
    if len(text) > _LARGEST:
        raise ValueError("it is too long")
    try:
        held = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(held, dict) or held.get("action") not in ACTIONS:
        raise ValueError("no known action")
    option, value, by = held.get("option", ""), held.get("value"), held.get("by", "")
    if not isinstance(option, str) or not isinstance(by, str):
        raise ValueError("option and by must be text")
    if not (by.isprintable() and (option.isidentifier() or not option)):
        raise ValueError("option must be a name, and by one line")
    if value is not None and not isinstance(value, _KINDS):
        raise ValueError("the value is neither a number nor text")
    return Ask(action=held["action"], option=option, value=value, by=by)


def ask(folder: Path, action: str, by: str, option: str = "", value: Value = None) -> Path:
    """Put an ask into the box of a live folder; see `Ask`.

    Returns
    -------
    Path
        As of `Asks.put`.

    Raises
    ------
    FaceswapError
        The action is none of `ACTIONS`, or the folder can't be written to.
    """
    if action not in ACTIONS:
        raise FaceswapError(f"a run can't '{action}': ask for one of {', '.join(ACTIONS)}")
    return Asks(folder).put(Ask(action=action, option=option, value=value, by=by))
