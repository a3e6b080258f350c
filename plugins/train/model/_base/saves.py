"""Saves a model while it trains: begun between two iterations, written beside those that follow."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import keras
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
        self._begun: tuple[list[list[Any]], dict[str, float]] | None = None
        self.wants_snapshot = False
        """Whether a snapshot waits until the save before it is written."""
        self.tell: Callable[..., None] = lambda *_, **__: None
        """Called with "saved" or "snapshot", the iteration and more about it, by the thread that
        writes. A trainer puts its own in place."""
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
        """Find out now how saves are written, and not when the first one is due.

        Builds the model once more, without values, and has another thread write a file as large as
        a save of it, which goes at once. The first save waits for that.

        Raises
        ------
        FaceswapError
            The model can't be built from what is saved of it.
        """
        if self._saver is None:
            protect = self._plugin.config["nan_protection"]
            self._saver = Saver(self._store, self._plugin.model, refuse_nan=protect)

    def forget_model(self) -> None:
        """Find out anew how saves are written; for before the model gets another optimizer."""
        self._join()
        self._saver = None

    def begin(self, *, average: bool = True) -> None:
        """Begin a save; the model may train on while it is written.

        A failure to write is told as a warning; `finish` raises it.

        Parameters
        ----------
        average
            Whether the losses since the last save are averaged, and are over with; if not, they
            stay noted, and the backup stays what it is.

        """
        self._join()
        averages = self._averages() if average else {}
        state, back_up = self._plugin.state, self._is_lowest(averages)
        if average:
            self._begun = self._store.history, state.lowest_avg_loss
            self._store.history = [[], []]
        if back_up:
            state.lowest_avg_loss = averages
        losses = ", ".join(f"{side.upper()}: {loss:.5f}" for side, loss in averages.items())
        since = f" - average loss {losses}" if averages else ""

        def done(save: Generation) -> None:
            self._begun = None
            logger.info("Saved at iteration %d%s", save.iterations, since)
            told = {f"loss_{side}": loss for side, loss in averages.items()}
            self.tell("saved", save.iterations, number=save.number, **told)

        self._begin(done, back_up=back_up)

    def let_go(self) -> None:
        """Make ready for weights that change: to be called right before, where they train.

        A save that is being written waits for no one else. It takes half a second at most, or
        what it takes to copy the values, and no time where none is being written.
        """
        if self._saver is not None:
            self._saver.let_go()

    def _join(self) -> None:
        """Wait for the save before; where it failed, its losses count for the next."""
        with suppress(FaceswapError):  # its failure has been told
            if self._saver is not None:
                self._saver.wait()
        if self._begun is not None:
            losses, self._plugin.state.lowest_avg_loss = self._begun
            pairs = zip(losses, self._store.history, strict=True)
            self._store.history = [earlier + later for earlier, later in pairs]
            self._begun = None

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
        if self.wants_snapshot:
            self.begin_snapshot()
            self.finish()

    def _averages(self) -> dict[str, float]:
        """Mean of each side's losses since the last save; empty where a side has no number."""
        finite = [_finite(losses) for losses in self._store.history]
        if not all(finite):
            return {}
        return {
            side: float(torch.tensor(losses).mean())
            for side, losses in zip("ab", finite, strict=True)
        }

    def _is_lowest(self, averages: Mapping[str, float]) -> bool:
        lows = self._plugin.state.lowest_avg_loss
        return bool(averages) and all(
            side not in lows or average < lows[side] for side, average in averages.items()
        )

    def begin_snapshot(self) -> None:
        """Begin a snapshot; the model may train on while it is written.

        While a save is being written it only becomes wanted, and has to be asked for again.
        """
        self.wants_snapshot = self.is_busy
        if not self.wants_snapshot:
            self._join()
            self._begin(self._copy_folder)

    def _copy_folder(self, save: Generation) -> None:
        try:
            path = self._store.snapshot(save)
            logger.info("Snapshot: %s", path)
            self.tell("snapshot", save.iterations, path=str(path))
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
        self._join()
        plugin, save = self._plugin, self._store.earlier(below)
        state = StateFile(plugin.model_dir, plugin.name).read(save.state)
        with keras.device("cpu"):  # a GPU may have no room for two
            loaded = self._store.load_file(save.model)
            loaded = compile_model(loaded, plugin.config, plugin.color_order)
        copy_values(loaded, plugin.model)
        self._store.saves.abandon(save)
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
    """Losses as numbers; those that are none are left out.

    The first ones may be numbers already, from an earlier run; the others lie on the device.
    """
    known = [loss for loss in losses if not isinstance(loss, torch.Tensor)]
    read = torch.stack(list(losses[len(known) :])).tolist() if len(losses) > len(known) else []
    return [float(loss) for loss in (*known, *read) if math.isfinite(loss)]
