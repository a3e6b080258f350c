"""What the user wants of a run while it trains: by key, by signal, or asked for by a viewer."""

import logging
import threading
from dataclasses import dataclass

from lib.live.asks import Ask, Asks

logger = logging.getLogger(__name__)

_IN_WORDS = {
    "save": "Save",
    "snapshot": "Snapshot",
    "refresh": "New preview",
    "stop": "Stop after this iteration, with a save,",
}


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is wanted with the next iteration.

    Attributes
    ----------
    save, snapshot, refresh
        Whether a save, a copy of the model's folder, or a new preview is.
    options
        Options to set before it, in this order.
    """

    save: bool = False
    snapshot: bool = False
    refresh: bool = False
    options: tuple[Ask, ...] = ()


class Steering:
    """Gathers wishes until the loop takes them; several threads may use it.

    Parameters
    ----------
    stop
        Set where the run is to stop after this iteration, with a save.
    box
        Where viewers put what they ask; None where they are not heard.
    sets_options
        Whether options may be set.
    """

    def __init__(
        self, stop: threading.Event, box: Asks | None = None, *, sets_options: bool = True
    ) -> None:
        self.stop = stop
        self._box = box
        self._sets_options = sets_options
        self._lock = threading.Lock()
        self._wished: set[str] = set()
        self._options: list[Ask] = []

    def key(self, key: str | None) -> None:
        """Do what a key stands for: Enter stops, s saves, r renews the preview."""
        if key in ("\n", "\r"):
            logger.info("Stopping after this iteration, with a save")
            self.stop.set()
        elif key in ("s", "r"):
            self._wish("save" if key == "s" else "refresh")

    def look(self) -> None:
        """Take what viewers have asked for, and tell it."""
        for ask in self._box.take() if self._box is not None else []:
            by = ask.by or "a viewer"
            if ask.action == "set":
                self._set(ask, by)
                continue
            logger.info("%s asked for by %s", _IN_WORDS[ask.action], by)
            if ask.action == "stop":
                self.stop.set()
            else:
                self._wish(ask.action)

    def _set(self, ask: Ask, by: str) -> None:
        if self._sets_options:
            with self._lock:
                # The last word on an option counts: of many, each may take a second to set.
                others = [each for each in self._options if each.option != ask.option]
                self._options = [*others, ask]
            return
        logger.warning(
            "Option %s is not set, as %s asked for: several processes train together; stop, change "
            "train.ini, and go on",
            ask.option,
            by,
        )

    def _wish(self, action: str) -> None:
        with self._lock:
            self._wished.add(action)

    def take(self) -> Wishes:
        """All wishes so far; they are the caller's to fulfil."""
        with self._lock:
            wished, self._wished = self._wished, set()
            options, self._options = tuple(self._options), []
        return Wishes(**dict.fromkeys(wished, True), options=options)

    def put_back(self, wishes: Wishes) -> None:
        """Keep wishes for the next iteration, but for options, which have been set."""
        for action in ("save", "snapshot", "refresh"):
            if getattr(wishes, action):
                self._wish(action)
