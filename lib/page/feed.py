"""Reads what a run leaves in its folder: once for all viewers, and only what is new."""

import os
from pathlib import Path

from lib.errors import FaceswapError
from lib.live.history import Event, log_path, read_events
from lib.live.record import Record
from lib.live.samples import FILE, SideFaces, read_samples
from lib.live.state import RunState, state_of
from lib.live.status import Status, live_folder, read_status

Stamp = tuple[int, int]
"""Time of the last change in nanoseconds, and size in bytes."""

_LONGEST_LINE = 1 << 16
_LONGEST_STEM = 12


class Feed:
    """What a page shows of a run.

    Parameters
    ----------
    model_dir
        The model's folder.
    name
        The model plugin's name.

    Attributes
    ----------
    state, status
        How the run fares; None where none has been there.
    record
        Losses and scores so far.
    events
        The log's events, the oldest first.
    faces
        Of the newest preview, by side; empty where there is none.
    preview
        Iterations trained when the preview was drawn.
    frames
        Pictures of the time-lapse, the oldest first.
    trouble
        What could not be read at the last look, in one line; else empty.
    """

    def __init__(self, model_dir: str | Path, name: str) -> None:
        self.model_dir, self.name = Path(model_dir), name
        self.folder = live_folder(model_dir, name)
        self.state: RunState | None = None
        self.status: Status | None = None
        self.record = Record()
        self.events: list[Event] = []
        self.faces: dict[str, SideFaces] = {}
        self.preview = 0
        self.frames: list[Path] = []
        self.trouble = ""
        self.preview_version = 0
        """Counts how often the faces of the preview have changed."""
        self._log_end = 0
        self._log_stamp: Stamp | None = None
        self._preview_stamp: Stamp | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is a run that takes asks."""
        return self.state == "running"

    def look(self) -> None:
        """Read what is new; what can't be read stays as it was, and is told of in `trouble`."""
        trouble = []
        for part in (self._look_at_status, self._look_at_log, self._look_at_preview):
            try:
                part()
            except FaceswapError as error:
                trouble.append(str(error))
        self.frames = time_lapse(self.status)
        self.trouble = "; ".join(trouble)

    def _look_at_status(self) -> None:
        self.state = state_of(self.model_dir, self.name)
        self.status = read_status(self.folder) or self.status

    def _look_at_log(self) -> None:
        path = log_path(self.model_dir, self.name)
        stamp = _stamp(path)
        if stamp is None or stamp == self._log_stamp:
            return
        end = _end_of_lines(path, stamp[1])
        start = self._log_end if end >= self._log_end else 0  # else another has come in its place
        new = read_events(path, start)
        if _stamp(path) != stamp:
            return  # it grew meanwhile: the next look tells
        self.events = [*(self.events if start else []), *new]
        self.record = (self.record if start else Record()).extended(new)
        self._log_stamp, self._log_end = stamp, end

    def _look_at_preview(self) -> None:
        stamp = _stamp(self.folder / FILE)
        if stamp is None or stamp == self._preview_stamp:
            return
        self._preview_stamp = stamp
        if (found := read_samples(self.folder)) is not None:
            self.preview, self.faces = found
            self.preview_version += 1


def time_lapse(status: Status | None) -> list[Path]:
    """Pictures of a run's time-lapse, ``<unix seconds>.jpg``, the oldest first."""
    if status is None or status.timelapse is None:
        return []
    try:
        with os.scandir(status.timelapse) as entries:
            found = [Path(entry.path) for entry in entries if _is_frame(entry)]
    except OSError:
        return []  # the run makes it with the first picture
    return sorted(found, key=lambda path: int(path.stem))


def _is_frame(entry: "os.DirEntry[str]") -> bool:
    stem, dot, suffix = entry.name.rpartition(".")
    is_named = bool(dot) and stem.isascii() and stem.isdecimal() and suffix == "jpg"
    if not is_named or len(stem) > _LONGEST_STEM:
        return False
    # A link may lead to what no viewer shall see.
    return entry.is_file(follow_symlinks=False) and entry.stat().st_size > 0


def _end_of_lines(path: Path, size: int) -> int:
    """Bytes of a file up to the end of its last whole line, of those in its last part."""
    start = max(0, size - _LONGEST_LINE)
    try:
        with path.open("rb") as file:
            file.seek(start)
            return start + file.read(size - start).rfind(b"\n") + 1
    except OSError as error:
        raise FaceswapError(f"'{path}' can't be read: {error.strerror}") from error


def _stamp(path: Path) -> Stamp | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size
