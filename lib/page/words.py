"""What the page says in words."""

import time

from lib.live.history import Event
from lib.live.state import RunState
from lib.live.status import Status

UNKNOWN = "–"
_SECONDS_WITHOUT_NEWS = 30
_STATES = {
    "starting": "starts: faces are read and the model is built",
    "training": "trains",
    "stopping": "stops, and saves once more",
}


def duration(seconds: float | None) -> str:
    """Time in its two largest units, such as ``2 h 5 min``; `UNKNOWN` for None."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h" if days < 10 else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def memory(size: int | None) -> str:
    """Bytes in the unit that fits, of 1000 each; `UNKNOWN` for None."""
    if size is None:
        return UNKNOWN
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def rate(per_second: float | None) -> str:
    """Iterations a second, or seconds an iteration where these are more."""
    if not per_second:
        return UNKNOWN
    return f"{per_second:.1f} it/s" if per_second >= 1 else f"{1 / per_second:.1f} s/it"


def share(part: float | None) -> str:
    """Part of a whole in per cent; `UNKNOWN` for None."""
    return UNKNOWN if part is None else f"{part:.0%}"


def loss(value: float | None) -> str:
    """Loss to four digits after the point; `UNKNOWN` for None."""
    return UNKNOWN if value is None else f"{value:.4f}"


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
    silent = time.time() - status.changed
    if status.state == "starting" or silent < _SECONDS_WITHOUT_NEWS:
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
        case "warning":
            return text
        case other:
            return text or other.replace("_", " ").capitalize()


def is_bad(event: Event) -> bool:
    """Whether an event is one to look at."""
    return event["event"] in {"warning", "failed", "bad_step", "breakdown", "gone_back", "plateau"}
