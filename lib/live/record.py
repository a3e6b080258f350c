"""What came of a model's runs from its beginning on: losses and scores over iterations and time."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from lib.live.history import Event, log_path, read_events
from lib.live.lineage import GOING_BACK, Lineage

NAN = float("nan")


@dataclass(frozen=True)
class Point:
    """Figures of one moment.

    Attributes
    ----------
    iteration
        Iterations trained by then.
    hours
        Time trained by then, without pauses between runs; NaN where the log does not tell.
    values
        By name; NaN for what was no number.
    """

    iteration: int
    hours: float
    values: dict[str, float]


def _points() -> Lineage[Point]:
    return Lineage(attrgetter("iteration"))


@dataclass
class Record:
    """A model's runs, one after another.

    What was trained after a save that a later run went on from, or that a run went back to, is
    left out.

    Attributes
    ----------
    iterations
        Iterations trained, by the log.
    hours
        Time trained; NaN where the log does not tell.
    """

    iterations: int = 0
    hours: float = NAN
    _losses: Lineage[Point] = field(default_factory=_points)
    _scores: Lineage[Point] = field(default_factory=_points)
    _before: float = 0.0
    _begun: float | None = None

    @property
    def losses(self) -> list[Point]:
        """Mean losses, "loss_a" and "loss_b"."""
        return self._losses.items

    @property
    def scores(self) -> list[Point]:
        """Held-out scores, "psnr" and "ssim"."""
        return self._scores.items

    @classmethod
    def of(cls, events: Iterable[Event]) -> "Record":
        """Go through a log's events, the oldest first."""
        return cls().extended(events)

    def extended(self, events: Iterable[Event]) -> "Record":
        """Another record, which goes on from this one with later events."""
        record = replace(self, _losses=self._losses.copy(), _scores=self._scores.copy())
        for event in events:
            record._follow(event)
        return record

    def _follow(self, event: Event) -> None:
        if event["event"] == "begun":
            self._before = 0.0 if self._begun is None else self.hours
            self._begun = event["time"]
        # Of all events this one is told between runs.
        if self._begun is not None and event["event"] != "restored":
            self.hours = self._before + max(0.0, event["time"] - self._begun) / 3600
        if event["event"] in GOING_BACK:
            self.iterations = event["iteration"]
        for points in self._losses, self._scores:
            points.follow(event)
        self._add(event)

    def _add(self, event: Event) -> None:
        self.iterations = max(self.iterations, event["iteration"])
        names = {"progress": ("loss_a", "loss_b"), "held_out": ("psnr", "ssim")}
        if event["event"] in names:
            values = {name: number(event.get(name)) for name in names[event["event"]]}
            points = self._losses if event["event"] == "progress" else self._scores
            points.items.append(Point(event["iteration"], self.hours, values))


def number(value: Any) -> float:
    """A figure of an event; NaN where it is no number."""
    try:
        return float(value) if isinstance(value, int | float) else NAN
    except OverflowError:
        return NAN


def read_record(model_dir: Path, name: str) -> Record:
    """The record of a model.

    Raises
    ------
    FaceswapError
        Its log can't be read.
    """
    return Record.of(read_events(log_path(model_dir, name)))


def stored_options(model_dir: Path, name: str) -> dict[str, Any]:
    """Options that a model was last saved with, and its batch size; {} where that can't be read."""
    try:
        state = json.loads((model_dir / f"{name}_state.json").read_text(encoding="utf-8"))
        last = max(state["sessions"], key=int)
        return {**state["config"], "batch_size": state["sessions"][last]["batchsize"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
