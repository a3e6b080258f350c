"""Base class of the trainers: feeds a model, and tells how it fares."""

import json
import logging
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from lib.config.options import Value
from lib.errors import FaceswapError
from lib.live.events import EventLog
from lib.live.history import log_path
from lib.live.reporter import Reporter
from lib.live.status import OPEN_ENDED
from lib.logs.console import ConsoleLine
from lib.logs.losses import LossLog
from lib.model.compiling import loss_names
from lib.model.predictor import Predictor, side_path
from lib.training.distributed import ALONE, World
from lib.training.divergence import Breakdown
from lib.training.feed import Feed
from lib.training.finder import ITERATIONS, Search, find_rate
from lib.training.order import Origin
from lib.training.pace import Pace
from lib.training.room import Room
from lib.training.schedule import average_momentum, learning_rate
from lib.training.step import Outcome, TrainingStep
from plugins.train.model._base.changes import EACH_STEP
from plugins.train.trainer._faces import Faces
from plugins.train.trainer._feeding import check_landmarks, make_feed
from plugins.train.trainer._rescue import Rescue, what_losses_depend_on
from plugins.train.trainer._settings import Settings, frozen_layers, read_options, scalar_log
from plugins.train.trainer._sight import Sight
from plugins.train.trainer._watch import Watch

logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]


class TrainerBase:
    """Handles the feeding of faces to a model, its logs and its previews.

    All trainer plugins inherit from this class.

    Parameters
    ----------
    model : plugin from plugins.train.model
        The model to train; it has been built.
    images : dict
        Full paths of the faces of each side, ``{"a": [...], "b": [...]}``.
    batch_size : int
        Faces of each side in a batch.
    configfile : str or None
        Path of a configuration file; None for the default ``train.ini``.

    Raises
    ------
    FaceswapError
        Too few faces are good, or an option has a wrong value.
    """

    def __init__(
        self, model: Any, images: dict[str, list[str]], batch_size: int, configfile: str | None
    ) -> None:
        self.console = ConsoleLine()
        """Where the losses are shown; the command may put its own in place."""
        self.wants_stop = False
        """Whether the run has come to its end by itself: a plateau, with --stop-on-plateau."""
        self.live: Reporter | None = None
        """Told how the run fares; the command may put its own in place."""
        self._model = model
        self._args = model.command_line_arguments
        self._batch_size = batch_size
        self._options = read_options(model, configfile)
        self._settings = Settings(model, self._options)
        self._faces = Faces(model, images, batch_size)
        check_landmarks(model, self._faces.trained)
        self._world: World = getattr(self._args, "world", ALONE)
        if self._world.is_first:
            self._faces.write_reports()
        self._frozen = frozen_layers(model)
        self._step = self._make_step()
        taken = model, self._faces.trained, self._options, batch_size, self._world
        self._make_feed = partial(make_feed, *taken, room=Room(batch_size))
        self._feed: Feed | None = None
        self._predictor = Predictor(
            {side: side_path(model.model, side) for side in "ab"},
            model.coverage_ratio,
            rgb=self._is_rgb,
            batch_size=model.config["convert_batchsize"],
        )
        names = ["total", *loss_names(model.model)]
        model.state.add_session_batchsize(batch_size)
        model.state.add_session_loss_names(names)
        self._log = LossLog(names, scalar_log(model))
        self.events = EventLog(log_path(model.model_dir, model.name))
        """What happens in the run, for other programs."""
        self._sight = Sight(model, self._predictor, self._faces, self._options, self._log)
        self._rescue = self._make_rescue()
        self._watch = self._make_watch()
        self._end = model.iterations + getattr(self._args, "iterations", 0)
        self._pace = self._make_pace()
        self._restore_run(model.state.last_run)
        model.state.describe_run = self._describe_run
        model.saves.restore_random()
        model.saves.tell = self.events.add

    @property
    def _is_rgb(self) -> bool:
        return bool(self._model.color_order == "rgb")

    def _make_pace(self) -> Pace:
        is_open_ended = getattr(self._args, "iterations", 0) >= OPEN_ENDED
        return Pace(None if is_open_ended else self._end - self._model.iterations)

    def _make_step(self) -> TrainingStep:
        model, is_shared = self._model, self._world.size > 1
        step = TrainingStep(model.model, model.config, self._frozen, is_shared=is_shared)
        step.before_update = model.saves.let_go
        return step

    def _make_rescue(self) -> Rescue:
        model, faces = self._model, self._faces.trained
        basis = what_losses_depend_on(model, faces, self._options, self._batch_size)
        names = loss_names(model.model)
        return Rescue(model, names, self._frozen, self.events, self._world, basis)

    def _make_watch(self) -> Watch | None:
        if not self._faces.held_out:
            return None
        return Watch(self._model, self._predictor, self._faces, self._log, self.events)

    def _restore_run(self, stored: dict[str, Any]) -> None:
        """Go on from what a run left."""
        try:
            self._step.restore(stored)
            self._rescue.restore(stored.get("rescue", {}))
            self._origin = Origin.restored(stored, self._batch_size)
            self._faces.tell_if_others(stored.get("faces", {}))
            if self._watch and self._model.iterations:
                self._watch.restore(stored.get("held_out", {}))
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise FaceswapError(
                f"the state of the last run, 'run' in the state file of '{self._model.model_dir}', "
                "is damaged: go back to another save with faceswap restore"
            ) from error

    def _describe_run(self) -> dict[str, Any]:
        watched = {"held_out": self._watch.state()} if self._watch else {}
        batches = self._model.config["gradient_accumulation"] * self._world.size
        order = self._origin.state(self._model.iterations, batches, self._batch_size)
        known = {"rescue": self._rescue.state(), "order": order, "faces": self._faces.described}
        return {**self._step.state(), **known, **watched}

    def _next_batches(self) -> list[Any]:
        if self._feed is None:
            self._feed = self._make_feed(origin=self._origin)
        return self._feed.next()

    def train_one_step(self, viewer: Any, timelapse_kwargs: dict[str, str] | None) -> None:
        """Train for one iteration, and report.

        Parameters
        ----------
        viewer : callable or None
            Shows a preview: called with a uint8 BGR sheet and its name. None but on save
            iterations.
        timelapse_kwargs : dict or None
            Folders ``input_a``, ``input_b`` and ``output`` of a time-lapse. None but on save
            iterations.

        Raises
        ------
        DivergedError
            Training has broken down, and going back to a save did not help.
        """
        self._model.state.increment_iterations()
        outcome = self._train_on_batch()
        self._pace.count()
        self._log.add(self._model.iterations, outcome)
        if self._world.is_first:
            self._model.add_history(list(outcome.losses.reshape(2, -1).sum(dim=1)))
        snapshot = self._is_due("snapshot_interval", self._model.iterations - 1)
        breakdown = None
        if self._log.is_due or viewer or timelapse_kwargs or snapshot:
            breakdown = self._report()
        if self._world.agree(breakdown is not None):
            self._go_back(breakdown)
            return
        if snapshot or self._model.saves.wants_snapshot:
            self._model.saves.begin_snapshot()
        if self._watch and self._is_due("evaluate_interval", self._model.iterations):
            is_stuck = self._watch.evaluate()
            self.wants_stop = is_stuck and getattr(self._args, "stop_on_plateau", False)
        if viewer:
            self.show_preview(viewer)
        if timelapse_kwargs:
            self._write_timelapse(**timelapse_kwargs)

    def _train_on_batch(self) -> Outcome:
        config, done = self._model.config, self._model.iterations - 1
        rate = learning_rate(done, config) * self._rescue.rate
        return self._step(self._next_batches(), rate, average_momentum(done, config))

    def _go_back(self, breakdown: Breakdown | None) -> None:
        """Go on from an earlier save, more slowly; the first process alone knows why."""
        run = self._rescue.go_back(breakdown)
        self._origin = Origin.restored(run, self._batch_size)
        # A batch that did not fit into memory does not fit now.
        self._step.restore({name: part for name, part in run.items() if name != "parts"})
        if self._watch and "held_out" in run:
            self._watch.restore(run["held_out"])
        self._log.drop()
        self._drop_feed()

    def _drop_feed(self) -> None:
        """Feed the next iteration anew."""
        self._pace = self._make_pace()
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    @property
    def present(self) -> dict[str, Any]:
        """The options that `set_option` takes, and their values."""
        return self._settings.present

    @property
    def defaults(self) -> dict[str, Any]:
        """What `present` holds where nobody has set anything."""
        return self._settings.defaults

    def set_option(self, name: str, value: Value) -> tuple[Value, Value]:
        """Give an option another value from the next iteration on, as if the run resumed with it.

        Parameters
        ----------
        name
            One of `present`.
        value
            The value, or its text as in train.ini.

        Returns
        -------
        tuple
            The value that it had, and the one that it has now.

        Raises
        ------
        FaceswapError
            There is no such option, or it can't have this value; nothing has changed then.
        """
        old, new = self.present.get(name), self._settings.checked(name, value)
        if new == old:
            return old, new
        if not self._log.is_empty:
            self._report()
        run = json.loads(json.dumps(self._describe_run()))
        self._settings.change(name, new)
        self._rescue = self._make_rescue()
        if name in EACH_STEP:
            self._rescue.restore(run["rescue"])
        else:
            self._go_on_anew(run)
        return old, new

    def _go_on_anew(self, run: dict[str, Any]) -> None:
        """Make all that goes by options, and go on from where the run was."""
        self._step, self._watch = self._make_step(), self._make_watch()
        self._predictor.batch_size = self._model.config["convert_batchsize"]
        self._restore_run(run)
        self._drop_feed()

    def find_learning_rate(self) -> Search:
        """Train at rising learning rates; the model is worth nothing afterwards.

        Raises
        ------
        FaceswapError
            No rate made the loss fall.
        """
        logger.info("Trying %d learning rates, from far too low to far too high", ITERATIONS)
        with tqdm(total=ITERATIONS, desc="Trying learning rates", unit="it", disable=None) as bar:

            def train(rate: float) -> float:
                loss = float(self._step(self._next_batches(), rate).losses.sum())
                bar.set_postfix_str(f"rate {rate:.1e}, loss {loss:.3f}", refresh=False)
                bar.update()
                return loss

            return find_rate(train)

    def _report(self) -> Breakdown | None:
        """Read the losses back, the one wait for the device, log them and show the newest.

        Returns
        -------
        Breakdown or None
            Of the run, where there is one, and its protection is on.
        """
        reading = self._log.flush()
        pace = self._pace.tell(self._feed.waited if self._feed else 0)
        self.console.update(self._model.iterations, *reading.newest, pace)
        if self.live is not None:
            figures = reading.sides, self._pace.rate, self._pace.waiting
            self.live.figures(self._model.iterations, *figures)
        if not self._model.config["nan_protection"] or not self._world.is_first:
            return None
        assert self._feed is not None
        return self._rescue.look(reading, self._feed)

    def _is_due(self, interval: str, done: int) -> bool:
        """Whether a multiple of an interval on the command line, 0 for never, is done."""
        every = getattr(self._args, interval, 0)
        return bool(every) and done > 0 and done % every == 0

    def show_preview(self, viewer: Any) -> None:
        """Make a preview of random faces and show it.

        Parameters
        ----------
        viewer : callable
            Called with a uint8 BGR sheet and its name.
        """
        name = f"{self._model.name} - iteration {self._model.iterations}"
        try:
            viewer(self._sight.preview(), name)
        except FaceswapError as error:
            logger.warning("No preview: %s; training goes on", error)

    def _write_timelapse(self, **folders: str) -> None:
        try:
            self._sight.write_timelapse(**folders)
        except FaceswapError as error:
            logger.warning("%s: training goes on", error)

    def tell_changes(self) -> None:
        """Warn of faces whose files were changed or removed since they were read."""
        self._faces.tell_changes()

    def clear_tensorboard(self) -> None:
        """Stop logging to TensorBoard; called once training has ended."""
        self._log.close()

    def close(self) -> None:
        """End the thread that makes batches, and close the log."""
        if self._feed is not None:
            self._feed.close()
        self._faces.close()
        self.clear_tensorboard()
