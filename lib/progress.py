"""The progress bar of long work: rate, estimate, and silence where there is no terminal."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    """Go through faces with a bar on standard error, where that is a terminal.

    Parameters
    ----------
    items
        What to go through.
    label
        What the bar is called.
    total
        How many there are.
    """
    disable = None if sys.stderr is not None else True
    return iter(tqdm(items, desc=label, total=total, unit="face", disable=disable))
