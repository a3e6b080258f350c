"""Saves a model while it trains on."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from lib.checkpoint import random_state
from lib.checkpoint.copies import ModelCopy
from lib.checkpoint.generations import MODEL, RANDOM, STATE, Generation
from lib.checkpoint.store import ModelStore
from lib.checkpoint.writer import Writer
from lib.errors import FaceswapError

logger = logging.getLogger(__name__)


class Saver:
    """Copies all that a save holds, and has it written by another thread.

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
        self._copy = ModelCopy(model)
        self._refuse_nan = refuse_nan
        self._writer = Writer()

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
        self._writer.join()
        text = json.dumps(state, indent=1, allow_nan=False)
        numbers = random_state.capture(self._model)
        self._copy.take()

        def write(folder: Path) -> None:
            self._copy.model.save(folder / MODEL)
            (folder / STATE).write_text(text, encoding="utf-8")
            random_state.write(folder / RANDOM, numbers)

        def job() -> None:
            try:
                if self._refuse_nan:
                    self._copy.check()
                save = self._store.save(state["iterations"], write, back_up=back_up)
            except Exception as error:
                raise self._told(error, state["iterations"]) from error
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

    def wait(self) -> None:
        """Wait until what was begun is written.

        Raises
        ------
        FaceswapError
            It failed.
        """
        self._writer.wait()
