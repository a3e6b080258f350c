"""Keeps a run alive: names what made a step bad, and takes a run back that has broken down."""

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from lib.checkpoint.copies import values_of
from lib.config.loss import LossOptions
from lib.config.options import fields_of
from lib.data.faceset import FaceSet
from lib.errors import DivergedError
from lib.live.events import EventLog
from lib.logs.losses import Reading
from lib.printable import printable
from lib.training.diagnosis import SOUND, Diagnosis, diagnose
from lib.training.distributed import World
from lib.training.divergence import Breakdown, Divergence
from lib.training.feed import Feed

logger = logging.getLogger(__name__)

MOST = 3
"""How often in a row a run is taken back before it is given up."""
SLOWER = 0.5
"""What the learning rate is multiplied by each time."""
LATE = 24
"""So many iterations may pass until a breakdown shows."""
ONWARD = 200
"""A run that came so much further than where it broke down last goes back to its newest save."""
CALM = 1000
"""So many iterations further, and earlier breakdowns are forgotten."""
SHOWN = 4
"""Files that are named on the console; the log names all."""


def what_losses_depend_on(
    model: Any, faces: Mapping[str, FaceSet], options: Mapping[str, Any], batch_size: int
) -> dict[str, Any]:
    """Where any of this is another, the losses of two runs can't be compared.

    Parameters
    ----------
    model : plugin from plugins.train.model
    faces
        Those that are trained on.
    options
        The trainer's options by name.
    batch_size
        Faces of each side in a batch.
    """
    names = [[os.path.basename(path) for path in those.paths] for those in faces.values()]
    switches = "no_flip", "no_augment_color", "no_warp", "warp_to_landmarks"
    arguments = model.command_line_arguments
    return {
        "faces": hashlib.sha256(repr(names).encode(errors="surrogateescape")).hexdigest()[:16],
        "batch_size": batch_size,
        "augmentation": dict(options),
        "switches": [bool(getattr(arguments, name, False)) for name in switches],
        "losses": {option.name: model.config[option.name] for option in fields_of(LossOptions)},
    }


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
        The processes that train together. The first alone looks and decides.
    basis
        From `what_losses_depend_on`.

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
        basis: Mapping[str, Any],
    ) -> None:
        self._model = model
        self._frozen = frozen
        self._events = events
        self._world = world
        self._basis = json.loads(json.dumps(basis))
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
            "Iteration %s was skipped%s, the weights are as before it: %s; %s: %s%s",
            f"{iteration:,}",
            f", and {others} after it" if others else "",
            found.text + self._of_others(found),
            "faces" if found.rows else "its batch",
            shown,
            more,
        )
        self._events.add("bad_step", iteration, text=found.text, files="\n".join(every))

    def _of_others(self, found: Diagnosis) -> str:
        if found is SOUND and self._world.size > 1:
            return " in this process; another's batch may have been the cause"
        return ""

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
            # What is seen late may have been saved meanwhile. Bad steps do not reach the weights.
            self._below = now + 1 if breakdown.kind == "bad_steps" else now - LATE
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
            "basis": self._basis,
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

    def _look_from(self, state: Mapping[str, Any]) -> None:
        """Judge what comes by what had come of the run at a save."""
        self._divergence.reset()
        if state.get("basis") == self._basis:
            self._divergence.restore(state["seen"])
