"""When a run saves, and what becomes of a save that fails."""

import logging
import time
from typing import Any

from lib.errors import FaceswapError, LastSaveError

logger = logging.getLogger(__name__)

TRIES = 3
"""How often the save at the end of a run is tried."""
SECONDS_BETWEEN_TRIES = 5.0


class Saving:
    """Saves a model while it trains.

    Parameters
    ----------
    model : plugin from plugins.train.model
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._wanted = False
        self._has_told = False
        # A resumed run's first save is a precaution: its losses count for the next average.
        self._averages = not model.iterations
        model.saves.prepare()

    def after_iteration(self, *, is_due: bool) -> None:
        """Begin a save where one is due, or put it off until the one before is written.

        Parameters
        ----------
        is_due
            Whether a save is due after this one.
        """
        self._wanted |= is_due
        if self._wanted and not self._model.saves.is_busy:
            self._begin()
        elif is_due and not self._has_told:
            self._has_told = True
            logger.info("The save before this one is still being written: saving after it")

    def _begin(self) -> None:
        self._wanted = False
        self._model.saves.begin(average=self._averages)
        self._averages = True

    def finish(self, *, is_due: bool) -> None:
        """Wait for the last save, and try again where it fails.

        Parameters
        ----------
        is_due
            Whether one was due after the last iteration.

        Raises
        ------
        LastSaveError
        """
        is_begun = is_due and not self._wanted
        for tries_left in reversed(range(TRIES)):
            try:
                if is_begun:
                    self._model.saves.finish()
                else:
                    self._model.save()
                return
            except FaceswapError as error:
                if not tries_left:
                    raise LastSaveError(f"{error}; gave up after {TRIES} tries") from error
                is_begun = False
            time.sleep(SECONDS_BETWEEN_TRIES)
