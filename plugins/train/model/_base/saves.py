"""Saves a model while it trains: begun between two iterations, written beside those that follow."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch

from lib.checkpoint import random_state
from lib.checkpoint.copies import copy_values
from lib.checkpoint.generations import Generation
from lib.checkpoint.saver import Saver
from lib.checkpoint.state_file import StateFile
from lib.checkpoint.store import ModelStore
from lib.errors import FaceswapError
from lib.model.compiling import compile_model

logger = logging.getLogger(__name__)


class Saves:
    """What a model has been saved as, and is to be saved as next.

    Parameters
    ----------
    plugin : plugin from plugins.train.model
        Its state is there; its model may come later.
    store
        Where saves go. Its history takes the losses since the last save.
    """

    def __init__(self, plugin: Any, store: ModelStore) -> None:
        self._plugin = plugin
        self._store = store
        self._saver: Saver | None = None
        self._restore_losses(plugin.state.last_run)

    def _restore_losses(self, run: Mapping[str, Any]) -> None:
        """Go on with the losses that no save has averaged yet."""
        stored = run.get("losses", [[], []])
        try:
            history = [[float(loss) for loss in losses] for losses in stored]
        except (TypeError, ValueError):
            history = []
        if len(history) == 2:
            self._store.history = history

    @property
    def is_busy(self) -> bool:
        """Whether a save is being written."""
        return self._saver is not None and self._saver.is_busy

    def prepare(self) -> None:
        """Take the memory that saves need now, and not when the first one is due."""
        if self._saver is None:
            protect = self._plugin.config["nan_protection"]
            self._saver = Saver(self._store, self._plugin.model, refuse_nan=protect)

    def begin(self, *, average: bool = True) -> None:
        """Begin a save; the model may train on while it is written.

        A failure to write is told as a warning; `finish` raises it.

        Parameters
        ----------
        average
            Whether the losses since the last save are averaged, and are over with; if not, they
            stay noted, and the backup stays what it is.

        Raises
        ------
        FaceswapError
            A loss is not a number: the model is not saved.
        """
        averages = self._averages() if average else {}
        are_numbers = all(map(math.isfinite, averages.values()))
        if self._plugin.config["nan_protection"] and not are_numbers:
            raise FaceswapError(
                f"the loss is not a number at iteration {self._plugin.iterations}: the model is "
                "not saved, so the last save is whole; resume with a lower learning_rate"
            )
        back_up = bool(averages) and are_numbers and self._is_lowest(averages)
        if back_up:
            self._plugin.state.lowest_avg_loss = averages
        if average:
            self._store.history = [[], []]
        losses = ", ".join(f"{side.upper()}: {loss:.5f}" for side, loss in averages.items())
        since = f" - average loss {losses}" if averages else ""
        self._begin(
            lambda save: logger.info("Saved at iteration %d%s", save.iterations, since),
            back_up=back_up,
        )

    def _begin(self, done: Callable[[Generation], None], *, back_up: bool = False) -> None:
        self.prepare()
        assert self._saver is not None
        state = self._plugin.state.describe()
        state["run"]["losses"] = [_finite(losses) for losses in self._store.history]
        self._saver.begin(state, back_up=back_up, done=done)

    def finish(self) -> None:
        """Wait until the save that was begun last is written.

        Raises
        ------
        FaceswapError
            It can't be written; earlier saves stay.
        """
        if self._saver is not None:
            self._saver.wait()

    def _averages(self) -> dict[str, float]:
        """Mean of each side's losses since the last save, apart from those that are no numbers."""
        means = {}
        for side, losses in zip("ab", self._store.history, strict=True):
            if losses:
                finite = torch.tensor(_finite(losses))
                means[side] = float(finite.mean()) if len(finite) else math.nan
        return means

    def _is_lowest(self, averages: Mapping[str, float]) -> bool:
        lows = self._plugin.state.lowest_avg_loss
        return not lows or all(averages[side] < lows[side] for side in averages)

    def begin_snapshot(self) -> None:
        """Begin a snapshot; the model may train on while it is written. See `begin`."""
        self._begin(self._copy_folder)

    def _copy_folder(self, save: Generation) -> None:
        try:
            logger.info("Snapshot: %s", self._store.snapshot(save))
        except FaceswapError as error:
            logger.warning("%s: training goes on", error)
            raise

    def go_back(self, below: int) -> dict[str, Any]:
        """Take the model back to a save, with its optimizer and the count of iterations.

        Parameters
        ----------
        below
            The newest whole save of fewer iterations is taken, or else the oldest one.

        Returns
        -------
        dict
            The state that was saved there, with what the run left for one that goes on from it.

        Raises
        ------
        FaceswapError
            No save can be read.
        """
        with suppress(FaceswapError):
            self.finish()  # its failure has been told
        plugin, save = self._plugin, self._store.earlier(below)
        state = StateFile(plugin.model_dir, plugin.name).read(save.state)
        loaded = self._store.load_file(save.model)
        copy_values(compile_model(loaded, plugin.config, plugin.color_order), plugin.model)
        plugin.state.go_back(state)
        self._restore_losses(state.setdefault("run", {}))
        return state

    def restore_random(self) -> None:
        """Put the generators of random numbers where they stood when the model was saved.

        Raises
        ------
        FaceswapError
            The save is damaged.
        """
        current = self._store.current
        if current is not None and current.random.exists():
            random_state.restore(random_state.read(current.random), self._plugin.model)


def _finite(losses: Sequence[Any]) -> list[float]:
    """Losses, which may lie on a device, as numbers; those that are none are left out."""
    if not losses:
        return []
    values = torch.stack([torch.as_tensor(loss) for loss in losses])
    return [float(value) for value in values.cpu() if math.isfinite(value)]
