"""A run as its user meets it: keys, signals, viewers, the preview's file; it trains beside."""

import logging
import os
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.errors import FaceswapError
from lib.gpus import take_own
from lib.live.asks import Asks
from lib.live.reporter import SECONDS_BETWEEN_STATUSES, Reporter
from lib.logs.console import ConsoleLine
from lib.media.mark import write_picture
from lib.training import distributed
from lib.training.distributed import World
from scripts.keys import KEYS, Keys
from scripts.loop import Loop, Plan
from scripts.signals import Leave, Signals
from scripts.steering import Steering

logger = logging.getLogger(__name__)


class PreviewFile:
    """The sheet in the model's folder.

    Parameters
    ----------
    path
        Where it is kept.
    is_wanted
        Whether it is kept at all.
    """

    def __init__(self, path: Path, is_wanted: bool) -> None:
        self.path = path
        self.is_wanted = is_wanted
        self._has_told = False

    def show(self, image: NDArray[np.uint8], name: str) -> None:
        """Show a preview: the viewer that the trainer calls.

        Parameters
        ----------
        image
            Contact sheet, uint8 BGR.
        name
            What it shows.
        """
        if not self.is_wanted:
            return
        try:
            write_picture(self.path, image)
        except FaceswapError as error:
            logger.warning("%s: training goes on", error)
            return
        if not self._has_told:
            logger.info("Preview (%s), renewed at every save: %s", name, self.path)
            self._has_told = True


class Running:
    """Trains in a thread of its own, while the main thread watches keys, signals and viewers.

    Parameters
    ----------
    arguments
        The command's options.
    world
        The processes that train together.
    console
        Where losses and messages are shown.
    stop
        Set where the run is to stop after the iteration, with a save.
    preview
        Where previews go.
    timelapse
        Folders of a time-lapse, None for none.
    reporter
        Tells viewers how the run fares; None where nobody is told.
    show
        What the trainer gives previews to; None for the file.
    """

    def __init__(
        self,
        arguments: Namespace,
        world: World,
        console: ConsoleLine,
        stop: threading.Event,
        preview: PreviewFile,
        timelapse: dict[str, str] | None = None,
        reporter: Reporter | None = None,
        show: Callable[[NDArray[np.uint8], str], None] | None = None,
    ) -> None:
        self._args = arguments
        self._world = world
        self._console = console
        self._preview = preview
        self._show = show or preview.show
        self._timelapse = timelapse
        self._reporter = reporter
        box = Asks(reporter.folder) if reporter else None
        self.steering = Steering(stop, box, sets_options=world.size == 1)
        """What the user wants of the run meanwhile."""
        self._failure: BaseException | None = None
        self._page: Any = None
        self._last_shown = 0.0

    def run(self, model: Any, trainer: Any) -> None:
        """Train to the end.

        Parameters
        ----------
        model : plugin from plugins.train.model
            It has been built.
        trainer : plugin from plugins.train.trainer
            Of that model.

        Raises
        ------
        FaceswapError
            A failure of training.
        """
        if self._reporter is not None:
            self._begin_telling(self._reporter, model, trainer)
        loop = Loop(model, trainer, self._plan(), self.steering, self._world, self._reporter)
        # A daemon, so that a second Ctrl-C need not wait for the iteration to end.
        thread = threading.Thread(
            target=self._guarded, args=(loop, model, trainer), name="training", daemon=True
        )
        try:
            with Keys(not distributed.is_launched()) as keys, Signals(self.steering.stop):
                if keys.are_there:
                    self._console.keys = KEYS
                    logger.info("Keys: %s", KEYS)
                thread.start()

                def react() -> None:
                    self.react(keys.read(timeout=0.2))

                with self._showing_page(react):  # it takes seconds to start: no run waits for it
                    while thread.is_alive():
                        react()
        except Leave as leave:
            # Python's own way out would wait for, or break, a thread that is deep in arithmetic.
            self._console.close()
            self._console.message("Left at once: the model is as it was last saved")
            os._exit(leave.args[0])
        if self._failure is not None:
            raise self._failure

    def _plan(self) -> Plan:
        # Without -p or -w a sheet is for TensorBoard alone.
        is_made = self._world.is_first and (self._preview.is_wanted or not self._args.no_logs)
        return Plan(
            iterations=self._args.iterations,
            save_interval=self._args.save_interval,
            show=self._show if is_made else None,
            keeps_preview=self._preview.is_wanted,
            timelapse=self._timelapse,
        )

    def _begin_telling(self, reporter: Reporter, model: Any, trainer: Any) -> None:
        end = model.iterations + self._args.iterations
        reporter.begin(
            *(trainer.events, model.iterations, end),
            options=trainer.present,
            defaults=trainer.defaults,
            batch_size=self._args.batch_size,
        )
        trainer.live = reporter

    @contextmanager
    def _showing_page(self, meanwhile: Callable[[], None]) -> Iterator[None]:
        """Context in which there is a page of the run, where one is wanted and can be had."""
        if not self._args.preview or self._reporter is None:
            yield
            return
        from scripts.page import PageProcess  # for those alone who want it

        page = PageProcess(
            self._args.model_dir,
            self._args.trainer,
            host=self._args.page_host,
            port=self._args.page_port,
            read_only=self._args.page_read_only,
        )
        try:
            page.start(meanwhile)
            self._page = page
        except FaceswapError as error:
            logger.warning("There is no page of this run: %s", error)
        try:
            yield
        finally:
            page.close()

    def react(self, key: str | None) -> None:
        """Do what the user wants, and tell viewers what is new; several times a second."""
        self.steering.key(key)
        self.steering.look()
        if distributed.is_orphaned():
            self.steering.stop.set()
        stops = self.steering.stop.is_set()
        if stops:
            self._world.ask_to_stop()
        if self._reporter is not None:
            if stops:
                self._reporter.stopping()
            self._reporter.tick()
            self._show_status(self._reporter)
        if self._page is not None:
            self._page.look()

    def _show_status(self, reporter: Reporter) -> None:
        if time.monotonic() - self._last_shown < SECONDS_BETWEEN_STATUSES:
            return
        self._last_shown = time.monotonic()
        self._console.show(reporter.status)

    def _guarded(self, loop: Loop, model: Any, trainer: Any) -> None:
        try:
            take_own()
            loop.run()
        except BaseException as error:
            self._failure = error
        finally:
            with suppress(FaceswapError):  # a save that is being written shall be whole
                model.saves.finish()
            trainer.close()
            self._console.close()
