"""What one iteration is trained on: batches of both sides, made ahead, as the model takes them."""

import numpy as np
from numpy.typing import NDArray

from lib.data.batches import Batch, Batches, Prefetcher
from lib.training.distributed import ALONE, World

Pixels = NDArray[np.uint8]


class Feed:
    """Gives each iteration its batches.

    Parameters
    ----------
    batches_a, batches_b
        The sides' batches; nothing else may use them until this is closed.
    iteration
        The first iteration, counted from 0.
    per_iteration
        Batches in an iteration; more than one for gradient accumulation.
    rgb
        Whether the model works in RGB rather than BGR.
    world
        The processes that train together: each takes the next batch in turn.
    """

    def __init__(
        self,
        batches_a: Batches,
        batches_b: Batches,
        *,
        iteration: int = 0,
        per_iteration: int = 1,
        rgb: bool = False,
        world: World = ALONE,
    ) -> None:
        first = iteration * per_iteration * world.size + world.rank
        self._prefetcher = Prefetcher(batches_a, batches_b, start=first, step=world.size)
        self._per_iteration = per_iteration
        self._rgb = rgb

    @property
    def waited(self) -> float:
        """Seconds that `next` has waited in all."""
        return self._prefetcher.waited

    def next(self) -> list[tuple[list[Pixels], list[Pixels]]]:
        """Feeds and targets of each batch of the next iteration; see `lib.training.step.Sides`."""
        return [self._sides(self._prefetcher.next()) for _ in range(self._per_iteration)]

    def _sides(self, pair: tuple[Batch, Batch]) -> tuple[list[Pixels], list[Pixels]]:
        feeds = [ordered(batch.feed, rgb=self._rgb) for batch in pair]
        targets = [ordered(target, rgb=self._rgb) for batch in pair for target in batch.targets]
        return feeds, targets

    def close(self) -> None:
        """End the thread that makes batches."""
        self._prefetcher.close()


def ordered(pixels: Pixels, *, rgb: bool) -> Pixels:
    """Colours in a model's order; masks behind them stay where they are.

    Parameters
    ----------
    pixels
        ``(..., 3)`` or more channels, blue first.
    rgb
        Whether red is to come first.
    """
    if not rgb:
        return pixels
    return np.concatenate([pixels[..., 2::-1], pixels[..., 3:]], axis=-1)
