"""Keeps a run alive: names what made a step bad, and takes a run back that has broken down."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from lib.checkpoint.copies import values_of
from lib.config.loss import LossOptions
from lib.config.options import fields_of
from lib.data.faceset import printable
from lib.errors import DivergedError
from lib.logs.events import EventLog
from lib.logs.losses import Reading
from lib.training.diagnosis import diagnose
from lib.training.distributed import World
from lib.training.divergence import Breakdown, Divergence
from lib.training.feed import Feed

logger = logging.getLogger(__name__)

MOST = 3
"""How often in a row a run is taken back before it is given up."""
SLOWER = 0.5
"""What the learning rate is multiplied by each time."""
ONWARD = 200
"""A run that came so much further than where it broke down last goes back to its newest save."""
CALM = 1000
"""So many iterations further, and earlier breakdowns are forgotten."""
SHOWN = 4
"""Files that are named on the console; the log names all."""


class Rescue:
    """Looks at what comes of a run's steps, and steps in.

    Parameters
    ----------
    model : plugin from plugins.train.model
        It has been built.
    names
        Of its outputs' losses.
    frozen
        Names of layers whose weights stay as they are.
    events
        Where it is logged.
    world
        The processes that train together.

    Attributes
    ----------
    rate : float
        What the learning rate is to be multiplied by.
    """

    def __init__(
        self,
        model: Any,
        names: Sequence[str],
        frozen: Sequence[str],
        events: EventLog,
        world: World,
    ) -> None:
        self._model = model
        self._frozen = frozen
        self._events = events
        self._world = world
        self._divergence = Divergence(names)
        self.rate = 1.0
        self._setbacks = 0
        self._furthest = -CALM
        self._below = 0

    def look(self, reading: Reading, feed: Feed) -> Breakdown | None:
        """Tell of bad steps, and whether the run has broken down.

        Parameters
        ----------
        reading
            What came of the newest iterations.
        feed
            What they were fed from.
        """
        bad = reading.iterations[~reading.is_good]
        if len(bad):
            self._tell_bad(int(bad[0]), len(bad) - 1, feed)
        return self._divergence.add(reading.losses, reading.spread, reading.is_good)

    def _tell_bad(self, iteration: int, others: int, feed: Feed) -> None:
        batches, files = feed.again(iteration - 1)
        found = diagnose(self._model.model, batches, self._frozen)
        named = {
            side: [files[side][row] for row in found.rows.get(side, [])] or files[side]
            for side in (found.rows or files)
        }
        every = [f"{side.upper()} {path}" for side, paths in named.items() for path in paths]
        shown = ", ".join(map(printable, every[:SHOWN]))
        more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
        logger.warning(
            "Iteration %s was skipped%s, the weights are as before it: %s; faces: %s%s",
            f"{iteration:,}",
            f", and {others} after it" if others else "",
            found.text,
            shown,
            more,
        )
        self._events.add("bad_step", iteration, text=found.text, files="\n".join(every))

    def go_back(self, breakdown: Breakdown | None) -> dict[str, Any]:
        """Take the model back to a good save, and lower the learning rate; on all processes.

        Parameters
        ----------
        breakdown
            Of the first process; the others need not know.

        Returns
        -------
        dict
            What the run had left at that save.

        Raises
        ------
        DivergedError
            It has been done `MOST` times, and did not help.
        """
        told = json.dumps(self._go_back(breakdown) if breakdown else None)
        state, self.rate = json.loads(self._world.share(told))
        if not self._world.is_first:
            self._model.state.go_back(state)
        self._world.share_values(values_of(self._model.model))
        run: dict[str, Any] = state["run"]
        return run

    def _go_back(self, breakdown: Breakdown) -> tuple[dict[str, Any], float]:
        now = self._model.iterations
        if now > self._furthest + CALM:
            self._setbacks = 0
        if now > self._furthest + ONWARD:
            self._below = now + 1
        self._setbacks += 1
        self._events.add("breakdown", now, text=breakdown.text)
        if self._setbacks > MOST:
            raise DivergedError(
                f"training broke down again at iteration {now:,}, after going back {MOST} times: "
                f"{breakdown.text}; the saves are whole: lower learning_rate far below "
                f"{self._model.config['learning_rate'] * self.rate:.1e}, or look for bad faces"
            )
        state: dict[str, Any] = self._model.saves.go_back(self._below)
        self._look_from(state["run"].get("rescue", {}))
        self._furthest, self._below = max(now, self._furthest), self._model.iterations
        self.rate *= SLOWER
        logger.warning(
            "Training has broken down at iteration %s: %s. Back to the save of iteration %s, and "
            "on at %.3g times the learning rate",
            f"{now:,}",
            breakdown.text,
            f"{self._model.iterations:,}",
            self.rate,
        )
        self._events.add("gone_back", self._model.iterations, rate=self.rate)
        return state, self.rate

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to go on from here, as JSON can hold it."""
        return {
            "rate": self.rate,
            "of": self._model.config["learning_rate"],
            "setbacks": self._setbacks,
            "furthest": self._furthest,
            "below": self._below,
            "losses": self._losses(),
            "seen": self._divergence.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`; where the learning rate was changed since, with that as it is."""
        self._look_from(state)
        if state.get("of") != self._model.config["learning_rate"]:
            return
        self.rate = float(state["rate"])
        self._setbacks, self._furthest, self._below = (
            int(state[name]) for name in ("setbacks", "furthest", "below")
        )
        if not 0 < self.rate <= 1:
            raise ValueError(f"{self.rate} times the learning rate")

    def _losses(self) -> dict[str, Any]:
        """Options that say what the losses are; with others they can't be compared."""
        return {option.name: self._model.config[option.name] for option in fields_of(LossOptions)}

    def _look_from(self, state: Mapping[str, Any]) -> None:
        """Judge what comes by what had come of the run at a save."""
        self._divergence.reset()
        if state.get("losses") == self._losses():
            self._divergence.restore(state["seen"])
