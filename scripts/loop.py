"""The loop of a run: trains, saves, shows and does what the user wants, iteration by iteration."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lib import device
from lib.errors import FaceswapError
from lib.live.asks import Ask
from lib.live.reporter import Reporter
from lib.training.distributed import World
from scripts.saving import Saving
from scripts.steering import Steering, Wishes

logger = logging.getLogger(__name__)

SLOW_SECONDS = 2.0
FOR_CPU = "compact"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is to do.

    Attributes
    ----------
    iterations
        How many it trains.
    save_interval
        Iterations from save to save.
    show
        The viewer that a preview is given to, with its name; None where none is made.
    keeps_preview
        Whether the user sees one.
    timelapse
        Folders of a time-lapse, None for none.
    """

    iterations: int
    save_interval: int
    show: Callable[..., None] | None = None
    keeps_preview: bool = False
    timelapse: dict[str, str] | None = None


class Loop:
    """Trains a model to the end of a run.

    Parameters
    ----------
    model : plugin from plugins.train.model
        It has been built.
    trainer : plugin from plugins.train.trainer
        Of that model.
    plan
        What the run is to do.
    steering
        What the user wants meanwhile.
    world
        The processes that train together.
    reporter
        Told of options that are set; None where nobody is.
    """

    def __init__(
        self,
        model: Any,
        trainer: Any,
        plan: Plan,
        steering: Steering,
        world: World,
        reporter: Reporter | None = None,
    ) -> None:
        self._model = model
        self._trainer = trainer
        self._plan = plan
        self._steering = steering
        self._world = world
        self._reporter = reporter
        self._started = 0.0

    def run(self) -> None:
        """Save on the first iteration, at every interval, on demand and at the end."""
        model, plan = self._model, self._plan
        begin, steps, due = model.iterations, 0, False
        end, saving = begin + plan.iterations, Saving(model) if self._world.is_first else None
        while model.iterations < end:
            number, steps = model.iterations + 1, steps + 1
            count = number - begin
            wishes = self._take()
            due = wishes.save or steps == 1 or number == end or count % plan.save_interval == 0
            viewer = plan.show if wishes.refresh or due else None
            self._trainer.train_one_step(viewer, plan.timelapse if due else None)
            if model.iterations != number:  # it has gone back to an earlier save
                due = False
                self._steering.put_back(wishes)
            elif wishes.refresh:
                self._tell_preview()
            if saving:
                saving.after_iteration(is_due=due)
            if saving and due:
                self._trainer.tell_changes()
            self._time(steps)
            if self._steering.stop.is_set() or self._trainer.wants_stop:
                self._world.ask_to_stop()
            if self._world.stops:
                break
        self._finish(saving, due)

    def _finish(self, saving: Saving | None, is_due: bool) -> None:
        if self._reporter is not None:
            self._reporter.stopping(self._model.iterations)
        self._trainer.console.close()
        if saving:
            saving.finish(is_due=is_due)
        if saving and not is_due and self._plan.show:
            self._trainer.show_preview(self._plan.show)
        logger.info(
            "Stopped at iteration %s; the same command goes on from here",
            f"{self._model.iterations:,}",
        )

    def _take(self) -> Wishes:
        wishes = self._steering.take()
        for ask in wishes.options:
            self._set(ask)
        if wishes.snapshot:
            self._model.saves.wants_snapshot = True
        return wishes

    def _set(self, ask: Ask) -> None:
        by = ask.by or "a viewer"
        try:
            old, new = self._trainer.set_option(ask.option, ask.value)
        except FaceswapError as error:
            logger.warning("Option %s is not set, as %s asked for: %s", ask.option, by, error)
            return
        logger.info("Option %s: %s -> %s, asked for by %s", ask.option, old, new, by)
        if self._reporter is not None:
            self._reporter.option(ask.option, old, new, by)

    def _tell_preview(self) -> None:
        if self._plan.keeps_preview:
            logger.info("Preview renewed at iteration %s", f"{self._model.iterations:,}")
        else:
            logger.info("There is no preview to renew: -p or -w keeps one")

    def _time(self, steps: int) -> None:
        """Measure the second and third step; the first takes longer than others."""
        if steps == 1:
            self._started = time.monotonic()
        elif steps == 3:
            tell_if_slow(self._model.name, (time.monotonic() - self._started) / 2)


def tell_if_slow(name: str, seconds: float) -> None:
    """Name a model that fits, where one takes so many seconds an iteration without a GPU."""
    if seconds < SLOW_SECONDS or name == FOR_CPU or device.device().type != "cpu":
        return
    logger.warning(
        "'%s' takes %.1f s an iteration on this machine, %.0f hours for 10,000: without a GPU "
        "train '-t %s' instead, in a model folder of its own",
        name,
        seconds,
        seconds * 10_000 / 3600,
        FOR_CPU,
    )
