"""What viewers ask of the run through the page: refused on the server where it may not be."""

import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from lib.config.options import Option, Value, fields_of, parse
from lib.config.sections import ALL
from lib.errors import FaceswapError
from lib.live.asks import ask
from lib.page.feed import Feed

BY = "the page"
_KEPT = 20


@dataclass(frozen=True)
class Asked:
    """Something that was asked.

    Attributes
    ----------
    text
        What, in words.
    path
        The ask's file, which is there until the run takes it.
    time
        When; seconds since 1970.
    """

    text: str
    path: Path
    time: float = field(default_factory=time.time)

    @property
    def is_taken(self) -> bool:
        """Whether the run has taken it."""
        return not self.path.exists()


class Asking:
    """Puts asks to the run.

    Parameters
    ----------
    feed
        Of the run.
    read_only
        Whether all asks are refused.
    """

    def __init__(self, feed: Feed, *, read_only: bool) -> None:
        self._feed = feed
        self.read_only = read_only
        self.asked: deque[Asked] = deque(maxlen=_KEPT)
        """What was asked, the newest last."""

    def put(self, action: str, option: str = "", value: Value = None) -> None:
        """Ask for an action; see `lib.live.asks.Ask`.

        Raises
        ------
        FaceswapError
            The page may not ask, no run goes on, or its folder can't be written to.
        """
        if self.read_only:
            raise FaceswapError("this page shows and steers nothing: it was started as read-only")
        if not self._feed.is_running:
            raise FaceswapError("no run goes on that could be asked")
        path = ask(self._feed.folder, action, BY, option, value)
        text = f"{option} = {value}" if option else action
        self.asked.append(Asked(text, path))

    def set(self, name: str, text: str) -> None:
        """Ask for another value of an option, with its text as in train.ini.

        Raises
        ------
        FaceswapError
            As of `put`; or there is no such option, or it takes no such value.
        """
        status = self._feed.status
        if status is None or name not in status.options:
            raise FaceswapError(f"'{name[:40]}' is no option that may change while training")
        self.put("set", name, _value(name, text))


def known_options() -> dict[str, Option]:
    """Options of every model and of the trainer, by name.

    Those that single plugins have are not among them: reading them would import torch and Keras.
    """
    return {option.name: option for cls in ALL.values() for option in fields_of(cls)}


def _value(name: str, text: str) -> Value:
    option = known_options().get(name)
    if option is None:
        return text.strip()[:200]  # of a plugin's own; the run checks it
    try:
        return parse(option, text.strip())
    except ValueError as error:
        raise FaceswapError(f"{name} {error}") from None
