"""``faceswap train``: wires faces, model and trainer together, and looks after the run."""

import logging
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch
from numpy.typing import NDArray

from lib import device
from lib.checkpoint.copies import values_of
from lib.checkpoint.recovery import recover
from lib.checkpoint.store import ModelStore, models_in
from lib.config import ini
from lib.errors import FaceswapError
from lib.folder_lock import FolderLock
from lib.live.reporter import Reporter
from lib.logs.console import ConsoleLine, LineAwareHandler
from lib.logs.setup import configure
from lib.logs.terminal import in_notebook
from lib.model.precision import is_slow, policy
from lib.preview.notebook import NotebookViewer
from lib.training import distributed
from lib.training.handing import hand_over, own_folder, take_back
from lib.training.heap import share_heap
from lib.training.launch import launch
from plugins import loader
from scripts.checks import check, find_faces, timelapse_folders
from scripts.learning_rate import find_learning_rate
from scripts.running import PreviewFile, Running
from scripts.telling import in_words, start_telling
from scripts.together import (
    check_alike,
    check_options,
    led_by_newest,
    tell_batch,
    trainer_options,
)

logger = logging.getLogger(__name__)


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
        self._reporter: Reporter | None = None
        preview = Path(arguments.model_dir) / "training_preview.png"
        self._preview = PreviewFile(preview, arguments.preview or arguments.write_image)
        self._notebook = NotebookViewer() if in_notebook() else None
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
        self._world = self._meet()
        check_options(self._world, self._args)
        self._args.world = self._world
        if self._world.is_first:
            configure(self._args.loglevel, self._args.logfile, LineAwareHandler(self.console))
            return
        self.console = ConsoleLine(interactive=False)
        self._args.no_logs, self._args.load_weights = True, None
        self._args.snapshot_interval = self._args.evaluate_interval = 0

    def _meet(self) -> distributed.World:
        """Find who leads; unless -t names a model, it is the one that the leader's folder holds."""
        held = models_in(self._args.model_dir)
        if len(held) == 1 and not self._args.chose_trainer:
            self._args.trainer = held.pop()
        store = ModelStore(self._args.model_dir, self._args.trainer)
        world = led_by_newest(distributed.join(), store)
        leading = world.share(self._args.trainer)
        if not self._args.chose_trainer:
            self._args.trainer = leading
        return world

    def _work(self, images: dict[str, list[str]]) -> None:
        if self._args.summary:
            self._summarise()
            return
        with self._holding_folder(), self._telling():
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

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Context in which the first process tells viewers how the run fares, and how it ended."""
        if not self._world.is_first or self._args.find_learning_rate:
            yield
            return
        self._reporter = reporter = start_telling(self._args, self._preview)
        try:
            yield
        except BaseException as error:
            reporter.end("failed", in_words(error))
            raise
        reporter.end("stopped")

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
        ini.tell(self._args.configfile)
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
        told = self._preview, self._timelapse, self._reporter
        running = Running(self._args, self._world, self.console, self._stop, *told, show=self._show)
        running.run(model, trainer)

    def _show(self, image: NDArray[np.uint8], name: str) -> None:
        """Show a preview, as viewers that trainers call do: in the file that the user asked for.

        Where a notebook's cell trains, below the cell as well.

        Parameters
        ----------
        image
            Contact sheet, ``(height, width, 3)``, uint8 BGR.
        name
            What it shows.
        """
        self._preview.show(image, name)
        if self._notebook is not None and self._preview.is_wanted:
            self._notebook(image, name)
