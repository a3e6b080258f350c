"""Finds a learning rate by trying all, from far too low to far too high.

A new model is trained while its learning rate rises; the loss stays, falls, and in the end breaks
out. A little before it stops falling lies a rate that learns fast and still holds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib.errors import FaceswapError
from lib.preview.curve import Curve, write_curves

ITERATIONS = 300
"""Iterations of a search."""
LOWEST, HIGHEST = 1e-7, 1e-1
"""Learning rates of its first iteration and its last."""

_MEMORY = 0.04
_DIVERGED = 4.0
_BELOW_BEST = 3.0
_FALLEN = 0.95


@dataclass(frozen=True)
class Search:
    """What a search has found.

    Attributes
    ----------
    rates
        Learning rate of each iteration, rising, up to the last whose loss was a number.
    losses
        Loss of each.
    smoothed
        Loss averaged over earlier iterations, whose weights fade exponentially.
    suggestion
        Learning rate to train with, two digits: a third of the rate where `smoothed` is least.
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    suggestion: float


def find_rate(
    train: Callable[[float], float],
    iterations: int = ITERATIONS,
    lowest: float = LOWEST,
    highest: float = HIGHEST,
) -> Search:
    """Train at learning rates that rise by one factor from iteration to iteration.

    It ends early where the smoothed loss is four times its least, or a loss is not a number.

    Parameters
    ----------
    train
        Trains a model for one iteration at the learning rate given, and returns its loss. The
        model must be new, and is of no further use.
    iterations
        At least 50. A search of fewer iterations finds a higher rate, because it has learned less
        when it comes to the high ones.
    lowest, highest
        Learning rates of the first iteration and the last.

    Returns
    -------
    Search

    Raises
    ------
    FaceswapError
        No learning rate made the loss fall by a twentieth, so there is nothing to go by.

    References
    ----------
    Smith 2017, "Cyclical learning rates for training neural networks", arXiv:1506.01186. Smoothing
    and end: Gugger 2018, "How do you find a good learning rate".
    """
    rates = np.geomspace(lowest, highest, iterations).tolist()
    keep = 1 - 1 / (_MEMORY * iterations)
    losses: list[float] = []
    smoothed: list[float] = []
    total = weight = 0.0
    for rate in rates:
        loss = train(rate)
        if not math.isfinite(loss):
            break
        total, weight = keep * total + loss, keep * weight + 1
        losses.append(loss)
        smoothed.append(total / weight)
        if smoothed[-1] > _DIVERGED * min(smoothed):
            break
    return Search(rates[: len(losses)], losses, smoothed, _suggest(rates, smoothed, iterations))


def _suggest(rates: list[float], smoothed: list[float], iterations: int) -> float:
    settled = round(_MEMORY * iterations)
    if len(smoothed) <= settled or min(smoothed) > _FALLEN * smoothed[settled]:
        raise FaceswapError(
            "no learning rate made the loss fall: the search needs a new model; set learning_rate "
            "by hand"
        )
    best = rates[smoothed.index(min(smoothed))]
    return float(f"{best / _BELOW_BEST:.1e}")


def write_search(path: str | Path, search: Search) -> None:
    """Draw the losses over the learning rate as a PNG, with the suggestion.

    Parameters
    ----------
    path
        File to write or replace.
    search
        What `find_rate` has found.

    Raises
    ------
    FaceswapError
        The file can't be written.
    """
    write_curves(
        path,
        [
            Curve("smoothed", search.rates, search.smoothed),
            Curve("each iteration", search.rates, search.losses, faint=True),
        ],
        title="Loss while the learning rate rises",
        x_label="learning rate",
        y_label="loss (A + B)",
        log_x=True,
        mark=(search.suggestion, f"suggestion: {search.suggestion:.1e}"),
    )
