"""How a run fares: written by the run, read by the page, the terminal and ``faceswap status``."""

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from lib.errors import FaceswapError
from lib.files import replacing

OPEN_ENDED = 1_000_000
"""Iterations of a run that nobody has set an end to."""

_MOST = 2**53
_SLOWEST = 1e-9
_SECONDS_OF_SILENCE = 30.0
"""A run tells how it fares once a second, where an iteration does not take longer."""


def live_folder(model_dir: str | Path, name: str) -> Path:
    """Where a model's run and its viewers meet, ``<name>_live``."""
    return Path(model_dir) / f"{name}_live"


@dataclass(frozen=True, kw_only=True)
class Status:
    """A run at one moment.

    Attributes
    ----------
    state
        "starting", "training", "stopping", "stopped" (with a save) or "failed".
    plugin
        The model plugin's name.
    pid, host
        The process that trains, and its machine.
    changed, started
        When this was written, and when the run began; seconds since 1970.
    begin, iteration, end
        Iterations trained before the run, by now, and when it ends by itself.
    loss_a, loss_b
        Newest loss of either side; None before the first.
    rate
        Iterations a second; None before it is known.
    waiting
        Share of the time spent waiting for data, 0..1.
    memory
        Bytes in use: of the GPU's memory, or of the process where there is no GPU.
    next_save
        Iteration of the next save.
    message
        Why the run failed; else empty.
    options
        Options that may be changed while it trains, and their values.
    defaults
        Their values where nobody has set any; empty where the run did not tell.
    preview
        The sheet's path, None where none is kept.
    timelapse
        The time-lapse's folder, None where there is none.
    """

    state: str
    plugin: str
    pid: int = 0
    host: str = ""
    changed: float = 0.0
    started: float = 0.0
    begin: int = 0
    iteration: int = 0
    end: int = 0
    loss_a: float | None = None
    loss_b: float | None = None
    rate: float | None = None
    waiting: float | None = None
    memory: int | None = None
    next_save: int = 0
    message: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    preview: str | None = None
    timelapse: str | None = None

    @property
    def seconds_to_save(self) -> float | None:
        """Estimate of the time to the next save."""
        return self._seconds_to(self.next_save)

    @property
    def seconds_to_end(self) -> float | None:
        """Estimate of the time to the end of the run; None for one that has none in sight."""
        return None if self.is_open_ended else self._seconds_to(self.end)

    @property
    def is_open_ended(self) -> bool:
        """Whether the run trains until it is stopped, as runs do unless they are told otherwise."""
        return self.end - self.begin >= OPEN_ENDED

    def silent_for(self, now: float) -> float | None:
        """Seconds since it was written, where these are more than a run that goes on takes.

        None where they are not, or where it starts: that is told once.
        """
        silent = now - self.changed
        return silent if self.state != "starting" and silent > _SECONDS_OF_SILENCE else None

    def _seconds_to(self, iteration: int) -> float | None:
        if self.rate is None or self.rate < _SLOWEST:
            return None
        return max(0, iteration - self.iteration) / self.rate


def write_status(folder: Path, status: Status) -> None:
    """Put a status in the place of the last one; no reader ever sees half of it.

    Raises
    ------
    FaceswapError
        The folder can't be written to.
    """
    with replacing(folder / "status.json") as temporary:
        temporary.write_text(json.dumps(asdict(status)), encoding="utf-8")


def read_status(folder: Path) -> Status | None:
    """The newest status, None where there is none yet.

    Raises
    ------
    FaceswapError
        There is one that can't be read.
    """
    path = folder / "status.json"
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        known = {one.name: one.type for one in fields(Status)}
        told = {name: value for name, value in held.items() if name in known}
        for name, value in told.items():
            if not _fits(value, known[name]):
                raise ValueError(f"its '{name}' is none")
        return Status(**told)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise FaceswapError(f"'{path}' is no run's status: {error}") from error


def _fits(value: object, kind: Any) -> bool:
    """Whether a value is of a field's kind; a whole number is a number, and none is endless."""
    kinds = get_args(kind) if isinstance(kind, UnionType) else (get_origin(kind) or kind,)
    if type(value) in (int, float):
        is_kind = float in kinds or type(value) in kinds
        return is_kind and -_MOST <= value <= _MOST  # type: ignore[operator]
    return type(value) in kinds


def resident_memory() -> int | None:
    """Bytes of memory that this process takes up, None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None
