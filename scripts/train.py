"""``faceswap train``: wires faces, model and trainer together, and looks after the run."""

import logging
import os
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch
from numpy.typing import NDArray

from lib.checkpoint.copies import values_of
from lib.checkpoint.lock import FolderLock
from lib.checkpoint.recovery import recover
from lib.checkpoint.store import ModelStore
from lib.errors import FaceswapError
from lib.gpus import take_own
from lib.logs.console import ConsoleLine, LineAwareHandler
from lib.logs.setup import configure
from lib.media.mark import write_picture
from lib.model.precision import is_slow, policy
from lib.training import device, distributed
from lib.training.handing import hand_over, own_folder, take_back
from lib.training.heap import share_heap
from lib.training.launch import launch
from plugins import loader
from scripts.checks import check, find_faces, timelapse_folders
from scripts.keys import Keys
from scripts.learning_rate import find_learning_rate
from scripts.saving import Saving
from scripts.signals import Leave, Signals
from scripts.together import (
    check_alike,
    check_options,
    led_by_newest,
    tell_batch,
    trainer_options,
)

logger = logging.getLogger(__name__)

SLOW_SECONDS = 2.0
FOR_CPU = "compact"


class Train:
    """The train command.

    Training runs in a thread of its own; the main thread watches keys and signals.

    Parameters
    ----------
    arguments : argparse.Namespace
        The command's options.
    """

    def __init__(self, arguments: Namespace) -> None:
        self._args = arguments
        self.console = ConsoleLine()
        """Where losses and messages are shown."""
        self._stop = threading.Event()
        self._save_now = threading.Event()
        self._refresh_now = threading.Event()
        self._failure: BaseException | None = None
        self._started = 0.0
        self._preview_path = Path(arguments.model_dir) / "training_preview.png"
        self._told_preview = False
        self._wants_sheets = arguments.preview or arguments.write_image or not arguments.no_logs
        self._timelapse: dict[str, str] | None = None
        self._world = distributed.ALONE
        if not distributed.is_launched():  # else they are checked once, by the first process
            self._check()

    def _check(self) -> None:
        check(self._args)
        self._timelapse = timelapse_folders(self._args)

    @property
    def was_stopped(self) -> bool:
        """Whether the user stopped the run before its end."""
        return self._stop.is_set()

    def process(self) -> None:
        """Run the command to its end.

        Raises
        ------
        FaceswapError
            A mistake of the user's, or a failure of training.
        """
        share_heap()
        if distributed.is_launched():
            self._train_together()
            return
        configure(self._args.loglevel, self._args.logfile, LineAwareHandler(self.console))
        faces = find_faces(self._args)
        if not (self._args.distributed and not self._args.summary and self._launch()):
            self._join()
            self._work(faces)

    def _train_together(self) -> None:
        """Work as one of the processes that torchrun started."""
        # All are silent until it is known who leads.
        configure("ERROR", None, LineAwareHandler(self.console))
        try:
            self._join()
            self._world.lead(self._check)
            self._work(find_faces(self._args))
        except Exception as error:
            ours = distributed.settled(error)
            raise ours from (error if ours is not error else error.__cause__)
        distributed.leave()

    def _launch(self) -> bool:
        """Start a process for each GPU, and wait for them; False where one process is enough."""
        count = torch.cuda.device_count()
        if count < 2:
            logger.info(
                "--distributed: %d GPUs are to be seen, so this process trains alone", count
            )
            return False
        code = launch(sys.argv[1:], count)
        if code:
            error = FaceswapError(f"--distributed: training ended with exit code {code}, see above")
            error.exit_code = max(code, error.exit_code)  # that of a signal is negative
            raise error
        return True

    def _join(self) -> None:
        """Meet the other processes, if any; all but the first train without a word or a file."""
        store = ModelStore(self._args.model_dir, self._args.trainer)
        self._world = led_by_newest(distributed.join(), store)
        check_options(self._world, self._args)
        self._args.world = self._world
        if self._world.is_first:
            configure(self._args.loglevel, self._args.logfile, LineAwareHandler(self.console))
            return
        self.console = ConsoleLine(interactive=False)
        self._wants_sheets = False
        self._args.no_logs, self._args.load_weights = True, None
        self._args.snapshot_interval = self._args.evaluate_interval = 0

    def _work(self, images: dict[str, list[str]]) -> None:
        if self._args.summary:
            self._summarise()
            return
        with self._holding_folder():
            self._work_alone(images)

    def _summarise(self) -> None:
        if self._world.is_first:
            self._build().model.summary(expand_nested=True)

    @contextmanager
    def _holding_folder(self) -> Iterator[None]:
        """Context in which no other run writes to the model's folder, which is in order."""
        with ExitStack() as held:
            self._world.lead(lambda: self._take_folder(held))
            if not self._world.is_first:
                self._args.model_dir = held.enter_context(own_folder())
            hand_over(self._world, ModelStore(self._args.model_dir, self._args.trainer))
            yield

    def _take_folder(self, held: ExitStack) -> None:
        store = ModelStore(self._args.model_dir, self._args.trainer)
        store.check_folder()
        held.enter_context(FolderLock(store.folder))
        recover(store)

    def _work_alone(self, images: dict[str, list[str]]) -> None:
        model = self._build()
        self._agree_with_others(model, images)
        trainer = loader.load_trainer(model.trainer)(
            model, images, self._args.batch_size, self._args.configfile
        )
        trainer.console = self.console
        if not self._world.is_first:
            take_back(model.model_dir)
        if self._args.find_learning_rate:
            find_learning_rate(model, trainer)
        else:
            self._run(model, trainer)

    def _agree_with_others(self, model: Any, images: dict[str, list[str]]) -> None:
        """See that all processes begin alike, and where the run is to end."""
        if self._world.size > 1:
            held = trainer_options(self._args, model.state.config)
            check_alike(self._world, images, {**model.config, **held})
        if not model.iterations:
            self._world.share_values(values_of(model.model))
        if self._world.is_restart:
            logger.info("Started again, because a process had ended")
        end = distributed.lasting_end(model.iterations + self._args.iterations)
        self._args.iterations = max(0, end - model.iterations)
        tell_batch(self._world, self._args.batch_size, model.config["gradient_accumulation"])

    def _build(self) -> Any:
        plugin = loader.load_model(self._args.trainer, self._args.plugin_dir)
        keras.utils.set_random_seed(self._args.seed or 0)
        try:
            model = plugin(self._args.model_dir, self._args)
        except (FaceswapError, KeyboardInterrupt):
            raise
        except (Exception, SystemExit) as error:  # whatever a user's plugin does
            raise FaceswapError(
                f"model '{self._args.trainer}' can't be made: {type(error).__name__}: {error}; see "
                "faceswap plugins check"
            ) from error
        model.build()
        begun = f"resumed at iteration {model.iterations:,}" if model.iterations else "new"
        logger.info(
            "Model '%s' in %s: %s, %s parameters, on %s in %s",
            model.name,
            model.model_dir,
            begun,
            f"{model.model.count_params():,}",
            device.describe(),
            (precision := policy(model.config)).removeprefix("mixed_"),
        )
        if is_slow(precision):
            logger.warning(
                "This processor has no units for %s and takes about ten times as long in it: leave "
                "mixed_precision at 'none' to train here",
                precision.removeprefix("mixed_"),
            )
        if self._args.freeze_weights and not model.iterations and not self._args.load_weights:
            logger.warning(
                "--freeze-weights keeps weights of a new model that have learned nothing: leave it "
                "out, or take weights with --load-weights"
            )
        return model

    def _run(self, model: Any, trainer: Any) -> None:
        # A daemon, so that a second Ctrl-C need not wait for the iteration to end.
        thread = threading.Thread(
            target=self._guarded, args=(model, trainer), name="training", daemon=True
        )
        try:
            with Keys(not distributed.is_launched()) as keys, Signals(self._stop):
                if keys.are_there:
                    logger.info("Keys: Enter saves and stops, s saves, r refreshes the preview")
                thread.start()
                while thread.is_alive():
                    self._react(keys.read(timeout=0.2))
        except Leave as leave:
            # Python's own way out would wait for, or break, a thread that is deep in arithmetic.
            self.console.message("Left at once: the model is as it was last saved")
            os._exit(leave.args[0])
        if self._failure is not None:
            raise self._failure

    def _react(self, key: str | None) -> None:
        if key in ("\n", "\r"):
            logger.info("Stopping after this iteration, with a save")
            self._stop.set()
        elif key == "s":
            self._save_now.set()
        elif key == "r":
            self._refresh_now.set()
        if distributed.is_orphaned():
            self._stop.set()
        if self._stop.is_set():
            self._world.ask_to_stop()

    def _guarded(self, model: Any, trainer: Any) -> None:
        try:
            take_own()
            self._train(model, trainer)
        except BaseException as error:
            self._failure = error
        finally:
            with suppress(FaceswapError):  # a save that is being written shall be whole
                model.saves.finish()
            trainer.close()
            self.console.close()

    def _train(self, model: Any, trainer: Any) -> None:
        """The loop: save on the first iteration, at every interval, on demand and at the end."""
        begin, steps, due = model.iterations, 0, False
        end, saving = begin + self._args.iterations, Saving(model) if self._world.is_first else None
        while model.iterations < end:
            number, steps = model.iterations + 1, steps + 1
            count = number - begin
            asked, refresh = self._take(self._save_now), self._take(self._refresh_now)
            due = asked or steps == 1 or number == end or count % self._args.save_interval == 0
            viewer = self._show if self._wants_sheets and (refresh or due) else None
            trainer.train_one_step(viewer, self._timelapse if due else None)
            if model.iterations != number:  # it has gone back to an earlier save
                due = False
                self._put_back(self._save_now, asked)
                self._put_back(self._refresh_now, refresh)
            elif refresh and (self._args.preview or self._args.write_image):
                logger.info("Preview renewed at iteration %s", f"{model.iterations:,}")
            if saving:
                saving.after_iteration(is_due=due)
            if saving and due:
                trainer.tell_changes()
            self._time(model.name, steps)
            if self._stop.is_set() or trainer.wants_stop:
                self._world.ask_to_stop()
            if self._world.stops:
                break
        self.console.close()
        if saving:
            saving.finish(is_due=due)
        if saving and not due and self._wants_sheets:
            trainer.show_preview(self._show)
        logger.info(
            "Stopped at iteration %s; the same command goes on from here", f"{model.iterations:,}"
        )

    def _time(self, name: str, steps: int) -> None:
        """Measure the second and third step; the first takes longer than others."""
        if steps == 1:
            self._started = time.monotonic()
        elif steps == 3:
            self._tell_if_slow(name, (time.monotonic() - self._started) / 2)

    @staticmethod
    def _take(event: threading.Event) -> bool:
        was_set = event.is_set()
        event.clear()
        return was_set

    @staticmethod
    def _put_back(event: threading.Event, was_set: bool) -> None:
        if was_set:
            event.set()

    def _tell_if_slow(self, name: str, seconds: float) -> None:
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

    def _show(self, image: NDArray[np.uint8], name: str) -> None:
        """Show a preview: the viewer that the trainer calls.

        Parameters
        ----------
        image
            Contact sheet, uint8 BGR.
        name
            What it shows.
        """
        if not (self._args.preview or self._args.write_image):
            return
        try:
            write_picture(self._preview_path, image)
        except FaceswapError as error:
            logger.warning("%s: training goes on", error)
            return
        if not self._told_preview:
            logger.info("Preview (%s), renewed at every save: %s", name, self._preview_path)
            self._told_preview = True
