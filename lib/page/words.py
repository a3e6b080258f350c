"""What the page says in words."""

import time

from lib.live.figures import duration
from lib.live.history import Event
from lib.live.state import RunState
from lib.live.status import Status

_STATES = {
    "starting": "starts: faces are read and the model is built",
    "training": "trains",
    "stopping": "stops, and saves once more",
}


def clock(seconds: float) -> str:
    """Time of day of a moment since 1970; with its date where that is not today's."""
    moment = time.localtime(seconds)
    is_today = moment[:3] == time.localtime()[:3]
    return time.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M", moment)


def state(run: RunState | None, status: Status | None) -> str:
    """How a run fares, as a sentence."""
    if status is None or run is None:
        return "No run has been in this folder yet."
    at = f"at iteration {status.iteration:,}"
    match run:
        case "running":
            return f"The run {_STATES.get(status.state, status.state)}{_without_news(status)}."
        case "stopped":
            return f"Stopped {at}, with a save. The same command goes on from there."
        case "failed":
            return f"Failed {at}: {status.message or 'without a word'}"
        case _:
            return (
                f"Ended {at} without a word: it was killed, or the machine went down. The same "
                "command goes on from its newest save."
            )


def _without_news(status: Status) -> str:
    silent = status.silent_for(time.time())
    if silent is None:
        return ""
    return f"; no news for {duration(silent)}, so an iteration takes long or a disk hangs"


def news(event: Event) -> str | None:
    """What an event of the log tells, as a line; None for those that the curves show."""
    text = str(event.get("text", ""))
    match event["event"]:
        case "progress" | "held_out":
            return None
        case "begun":
            return f"A run begins at iteration {event['iteration']:,}"
        case "saved":
            return f"Saved at iteration {event['iteration']:,}"
        case "snapshot":
            return f"Snapshot at iteration {event['iteration']:,}"
        case "option":
            change = f"{event.get('old')} → {event.get('new')}"
            return f"{event.get('name')}: {change}, asked for by {event.get('by')}"
        case "stopped":
            return f"Stopped at iteration {event['iteration']:,}"
        case "failed":
            return f"Failed: {text}"
        case "gone_back":
            return f"Went back to the save of iteration {event['iteration']:,}"
        case "restored":
            return f"Restored to iteration {event['iteration']:,}"
        case "warning":
            return text
        case other:
            return text or other.replace("_", " ").capitalize()


def is_bad(event: Event) -> bool:
    """Whether an event is one to look at."""
    return event["event"] in {"warning", "failed", "bad_step", "breakdown", "gone_back", "plateau"}
