"""What a model's runs have told so far: the events in its log of JSON lines."""

import json
from operator import itemgetter
from pathlib import Path
from typing import Any

from lib.errors import FaceswapError
from lib.live.lineage import Lineage

Event = dict[str, Any]

_MOST = 2**53


def log_path(model_dir: str | Path, name: str) -> Path:
    """Where the events of a model's runs are, ``<name>_log.jsonl``."""
    return Path(model_dir) / f"{name}_log.jsonl"


def read_events(path: Path, start: int = 0) -> list[Event]:
    """The events in a log, the oldest first.

    Lines that are no event are passed over: a run that was killed, or a full disk, may have left
    half of one.

    Parameters
    ----------
    path
        The log; one that is not there has none.
    start
        Bytes of it to pass over.

    Raises
    ------
    FaceswapError
        It can't be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            return [event for line in file if (event := _parse(line)) is not None]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise FaceswapError(f"'{path}' can't be read: {error.strerror or error}") from error


def _parse(line: bytes) -> Event | None:
    try:
        held = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(held, dict) or not isinstance(held.get("event"), str):
        return None
    kinds = {"time": int | float, "iteration": int}
    if not all(isinstance(held.get(key), kind) for key, kind in kinds.items()):
        return None
    if not all(0 <= held[key] < _MOST for key in kinds):
        return None
    event: Event = held
    return event


def newest(events: list[Event], kind: str) -> Event | None:
    """The last event of a kind, such as "saved"; None where there is none.

    One of iterations that the model has gone back from since does not count.
    """
    lineage: Lineage[Event] = Lineage(itemgetter("iteration"))
    for event in events:
        lineage.follow(event)
        if event["event"] == kind:
            lineage.items.append(event)
    return lineage.items[-1] if lineage.items else None
