"""What belongs to a model as it stands, though it has gone back, or back to what was given up."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

GOING_BACK = ("begun", "gone_back", "restored")
"""Events after which a model stands at their iteration, which may be an earlier one."""

T = TypeVar("T")


@dataclass
class Lineage(Generic[T]):
    """Items of a model's iterations, without those of iterations that were given up.

    Attributes
    ----------
    iteration_of
        Gives the iteration of an item.
    items
        Those of the model as it stands, the oldest first.
    """

    iteration_of: Callable[[T], int] = field(repr=False, compare=False)
    items: list[T] = field(default_factory=list)
    _given_up: list[tuple[float, int, list[T]]] = field(default_factory=list)
    """When another end took an end's place, how many items came before it, and those of it."""

    def copy(self) -> "Lineage[T]":
        """Another one, which goes its own way from here."""
        return replace(self, items=list(self.items), _given_up=list(self._given_up))

    def follow(self, event: dict[str, Any]) -> None:
        """Go back where an event does, and bring back what the save that it names was made of."""
        if event["event"] not in GOING_BACK:
            return
        kept, items = self._as_of(event.get("saved"))
        while items and self.iteration_of(items[-1]) > event["iteration"]:
            items.pop()
        kept = min(kept, len(items))
        if (tail := self.items[kept:]) != items[kept:]:
            self._given_up.append((event["time"], kept, tail))
            self.items = items

    def _as_of(self, saved: Any) -> tuple[int, list[T]]:
        """The items at an earlier time, and how many of them have stayed ever since."""
        moment = saved if isinstance(saved, int | float) else math.inf
        kept, items = len(self.items), self.items.copy()
        for when, before, tail in reversed(self._given_up):
            if when <= moment:
                break
            kept, items[before:] = min(kept, before), tail
        return kept, items
