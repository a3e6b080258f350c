"""Figures of a run in words, for the page and the terminal."""

UNKNOWN = "–"


def duration(seconds: float | None) -> str:
    """Time in its two largest units, such as ``2 h 5 min``; `UNKNOWN` for None."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(max(0, round(seconds)), 60)
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
