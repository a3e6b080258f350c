"""The progress bar of long work: rate, estimate, and silence where there is no terminal."""

import logging
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

from lib.logs.console import ConsoleLine

T = TypeVar("T")


def progress(
    items: Iterable[T], label: str, total: int | None, unit: str = "face", done: int = 0
) -> Iterator[T]:
    """Go through items with a bar on standard error, where that is a terminal.

    It comes after a second, and goes when all is done: a message tells what came of it.

    Parameters
    ----------
    items
        What to go through.
    label
        What the bar is called.
    total
        How many there are, with those that are done; None where that is not known.
    unit
        What one of them is.
    done
        How many were done before.
    """
    disable = None if sys.stderr is not None else True
    bar = tqdm(
        items,
        desc=label,
        total=total,
        unit=unit,
        initial=done,
        disable=disable,
        leave=False,
        delay=1.0,
        dynamic_ncols=True,
    )
    return iter(bar)


class ConsoleBesideBar(ConsoleLine):
    """A console whose messages stand above the bar."""

    def message(self, text: str, level: int = logging.INFO) -> None:
        """Print whole lines."""
        with tqdm.external_write_mode():
            super().message(text, level)
