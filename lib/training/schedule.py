"""What changes over a run: the learning rate, and how far the average of the weights looks back."""

import math
from collections.abc import Mapping
from typing import Any


def learning_rate(iteration: int, config: Mapping[str, Any]) -> float:
    """Learning rate of one iteration.

    It rises in equal steps, which spares a new model wild first moves; and stays, or falls: without
    an end, ever more slowly; or along half a wave of a cosine to a share of what it was, where it
    stays again; or both.

    Parameters
    ----------
    iteration
        Iterations that the model has been trained for before this one, from 0.
    config
        Options by name: ``learning_rate``, the highest; ``warmup_iterations``, how many it rises
        over; ``easing_iterations``, after how many the endless fall has taken it to 71 %, 0 for no
        such fall; ``decay_iterations``, how many it falls over along the cosine, 0 for none;
        ``decay_to``, where it ends, per cent of ``learning_rate``.

    Returns
    -------
    float
        The product of ``learning_rate``; ``(iteration + 1) / warmup_iterations``, at most 1;
        ``1 / sqrt(1 + iteration / easing_iterations)``; and
        ``f + (1 - f) * (1 + cos(pi * k / decay_iterations)) / 2`` with f = ``decay_to / 100`` and k
        iterations since the rise, 0 to ``decay_iterations``.

    References
    ----------
    Rise: Goyal et al. 2017, arXiv:1706.02677. Fall: Loshchilov, Hutter 2017, arXiv:1608.03983.
    """
    rate: float = config["learning_rate"]
    warmup: int = config["warmup_iterations"]
    easing: int = config["easing_iterations"]
    decay: int = config["decay_iterations"]
    if easing:
        rate /= math.sqrt(1 + iteration / easing)
    if iteration < warmup:
        return rate * ((iteration + 1) / warmup)
    if not decay:
        return rate
    done = min(1.0, (iteration - warmup) / decay)
    end: float = config["decay_to"] / 100
    return rate * (end + (1 - end) * (1 + math.cos(math.pi * done)) / 2)


def average_momentum(iteration: int, config: Mapping[str, Any]) -> float:
    """Part of the weights' average that one iteration leaves as it is.

    Parameters
    ----------
    iteration
        Iterations that the model has been trained for before this one, from 0.
    config
        Options by name: ``average_momentum``, the most.

    Returns
    -------
    float
        ``min(average_momentum, (1 + iteration) / (10 + iteration))``: while a model is new, its
        weights of long ago are far from good, and the average looks back over a tenth of the run.
    """
    return min(float(config["average_momentum"]), (1 + iteration) / (10 + iteration))
