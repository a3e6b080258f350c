"""Saves a model while it trains on."""

import errno
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import keras

from lib.checkpoint import random_state
from lib.checkpoint.generations import MODEL, PARTIAL, RANDOM, STATE, Generation
from lib.checkpoint.held import Held
from lib.checkpoint.layout import Layout
from lib.checkpoint.stand_in import StandIn
from lib.checkpoint.store import ModelStore
from lib.checkpoint.writer import Writer
from lib.errors import FaceswapError
from lib.files import make_folder
from lib.memory import is_out_of_memory

logger = logging.getLogger(__name__)

_DISK: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO))
"""What a disk fails with, and no layer."""
_DRAWINGS: Final = 3
"""Times that a form is drawn until an `OSError` is taken for a layer's, which would not end."""


class Saver:
    """Holds what a model is when a save begins, and has it written by another thread.

    Parameters
    ----------
    store
        Where saves go.
    model
        The model that trains, compiled.
    refuse_nan
        Whether weights that are no numbers are refused.
    """

    def __init__(self, store: ModelStore, model: keras.Model, *, refuse_nan: bool) -> None:
        self._store = store
        self._model = model
        self._held = Held(model, refuse_nan=refuse_nan)
        self._stand_in = StandIn(model)
        self._form: Layout | StandIn | None = None
        self._failures = 0
        self._writer, self._drawing = Writer("saving"), Writer("drawing")
        self._drawing.start(self._draw)  # where it fails, the first save tries again and tells why

    def _draw(self) -> None:
        """Find out how saves are written."""
        saves = self._store.saves.folder
        make_folder(saves)
        try:
            with TemporaryDirectory(dir=saves, prefix=PARTIAL, ignore_cleanup_errors=True) as place:
                self._form = self._stand_in.draw(Path(place))
        except Exception as error:  # an UnclearError, or whatever a plugin's layers do
            self._failures += 1
            if self._may_pass(error):
                raise
            why = str(error).strip().partition("\n")[0]
            logger.info(
                "Each save takes a copy of the model in memory (%s: %s)", type(error).__name__, why
            )
            self._form = self._stand_in
        finally:
            with suppress(OSError):  # a run that fails before its first save leaves no folder
                saves.rmdir()

    def _may_pass(self, error: Exception) -> bool:
        """Whether another try may go better; copies, where memory is short, would not."""
        if isinstance(error, OSError):
            return error.errno in _DISK or self._failures < _DRAWINGS
        return is_out_of_memory(error)

    @property
    def is_busy(self) -> bool:
        """Whether a save is being written."""
        return self._writer.is_busy

    def begin(
        self,
        state: dict[str, Any],
        *,
        back_up: bool,
        done: Callable[[Generation], None],
    ) -> None:
        """Begin a save; the model may train on as soon as this returns.

        One that is still being written is waited for. A failure is told as a warning when it
        happens, and raised by `wait`.

        Parameters
        ----------
        state
            What goes into the state file.
        back_up
            Whether the save before this one becomes the backup.
        done
            Called by the other thread with the save, once it is whole.
        """
        self._drawing.join()
        self._writer.join()
        text = json.dumps(state, indent=1, allow_nan=False)
        numbers = random_state.capture(self._model)
        self._held.hold()

        def write(folder: Path) -> None:
            if self._form is None:
                self._draw()
            assert self._form is not None
            self._form.save(folder / MODEL, self._held)
            (folder / STATE).write_text(text, encoding="utf-8")
            random_state.write(folder / RANDOM, numbers)

        def job() -> None:
            try:
                save = self._store.save(state["iterations"], write, back_up=back_up)
            except Exception as error:
                raise self._told(error, state["iterations"]) from error
            finally:
                self._held.drop()
            done(save)

        self._writer.start(job)

    def _told(self, error: Exception, iterations: int) -> FaceswapError:
        """Warn of a failure and say what is left."""
        why = str(error) if isinstance(error, FaceswapError) else f"{type(error).__name__}: {error}"
        try:
            saves = self._store.saves.all()
            left = f"{saves[0]} is whole" if saves else "nothing is saved so far"
        except OSError:  # the folder can't even be read
            left = "earlier ones can't be looked for"
        failure = FaceswapError(f"the save at iteration {iterations:,} failed, and {left}: {why}")
        logger.warning("%s; training goes on, and the next save tries again", failure)
        return failure

    def let_go(self) -> None:
        """Make ready for values that change: to be called right before they do; see `Held`."""
        self._held.let_go()

    def wait(self) -> None:
        """Wait until what was begun is written.

        Raises
        ------
        FaceswapError
            It failed.
        """
        self._drawing.join()
        self._writer.wait()
