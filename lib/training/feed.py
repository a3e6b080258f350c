"""What one iteration is trained on: batches of both sides, made ahead, as the model takes them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.data.batches import Batch, Batches
from lib.data.prefetch import Prefetcher
from lib.device import Pixels
from lib.memory import attempt
from lib.training.augment import DeviceBatches, Staged
from lib.training.distributed import ALONE, World
from lib.training.order import START, Origin

Bytes = TypeVar("Bytes", NDArray[np.uint8], Tensor, Pixels)


class Feed:
    """Gives each iteration its batches.

    Parameters
    ----------
    make_batches
        Makes the batches of a side, "a" or "b", anew at every call; by the processor, or for the
        device to make.
    paths
        Files of each side's faces.
    iteration
        The first iteration, counted from 0.
    per_iteration
        Batches in an iteration; more than one for gradient accumulation.
    rgb
        Whether the model works in RGB rather than BGR.
    world
        The processes that train together: each takes the next batch in turn.
    origin
        Where the row of all batches is taken up.
    """

    def __init__(
        self,
        make_batches: Callable[[str], Batches | DeviceBatches],
        paths: Mapping[str, Sequence[str]],
        *,
        iteration: int = 0,
        per_iteration: int = 1,
        rgb: bool = False,
        world: World = ALONE,
        origin: Origin = START,
    ) -> None:
        self._make_batches = make_batches
        self._paths = paths
        self._per_iteration = per_iteration
        self._rgb = rgb
        self._world = world
        self._origin = origin
        first = self._numbers(iteration)[0]
        self._prefetcher: Prefetcher[Batch | Staged] = Prefetcher(
            make_batches("a"), make_batches("b"), start=first, step=world.size
        )

    def _numbers(self, iteration: int) -> range:
        """Numbers of an iteration's batches, those of this process."""
        per, size = self._per_iteration, self._world.size
        first = self._origin.first_batch(iteration, per * size) + self._world.rank
        return range(first, first + per * size, size)

    @property
    def waited(self) -> float:
        """Seconds that `next` has waited in all."""
        return self._prefetcher.waited

    def next(self) -> list[tuple[list[Pixels], list[Pixels]]]:
        """Feeds and targets of each batch of the next iteration; see `lib.training.step.Sides`.

        Where memory runs out, the device makes fewer faces at a time.

        Raises
        ------
        FaceswapError
            It was one at a time.
        """
        return [
            _sides(map(self._made_to_fit, self._prefetcher.next()))
            for _ in range(self._per_iteration)
        ]

    def again(
        self, iteration: int
    ) -> tuple[Iterator[tuple[list[Pixels], list[Pixels]]], dict[str, list[str]]]:
        """Make the batches of any iteration once more, to the byte, and tell their files.

        It takes as long as to begin a feed, and leaves what `next` gives as it is.

        Parameters
        ----------
        iteration
            Counted from 0.

        Returns
        -------
        sides : iterator
            What `next` gave for that iteration; each is made as it is taken.
        files : dict
            The file of each face of side "a" and of "b", in the order of the batches.
        """
        both = {side: self._make_batches(side) for side in "ab"}
        numbers = self._numbers(iteration)
        files = {
            side: [self._paths[side][face] for n in numbers for face in each.planner.indices(n)]
            for side, each in both.items()
        }
        sides = (_sides(self._made(each.batch(n)) for each in both.values()) for n in numbers)
        return sides, files

    def _made_to_fit(self, batch: Batch | Staged) -> tuple[Pixels, list[Pixels]]:
        if isinstance(batch, Batch):
            return self._made(batch)
        while (made := attempt(partial(self._made, batch))) is None:
            batch = batch.smaller()
        return made

    def _made(self, batch: Batch | Staged) -> tuple[Pixels, list[Pixels]]:
        """Feed and targets, as the model takes them."""
        made = batch.on_device() if isinstance(batch, Staged) else batch
        return ordered(made.feed, rgb=self._rgb), [
            ordered(target, rgb=self._rgb) for target in made.targets
        ]

    def close(self) -> None:
        """End the thread that makes batches."""
        self._prefetcher.close()


def _sides(made: Iterable[tuple[Pixels, list[Pixels]]]) -> tuple[list[Pixels], list[Pixels]]:
    feeds: list[Pixels] = []
    targets: list[Pixels] = []
    for feed, those in made:
        feeds.append(feed)
        targets += those
    return feeds, targets


def ordered(pixels: Bytes, *, rgb: bool) -> Bytes:
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
    if isinstance(pixels, Tensor):
        return torch.cat([pixels[..., :3].flip(-1), pixels[..., 3:]], dim=-1)
    return np.concatenate([pixels[..., 2::-1], pixels[..., 3:]], axis=-1)
