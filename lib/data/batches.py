"""Batches of augmented faces, made by the processor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.data.colour import ColourJitter, clahe_tiles, lookup_tables
from lib.data.plan import Plan, Planner
from lib.data.warp import reduced, sampled_box

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Batch:
    """Faces of one side, ready to train on.

    Attributes
    ----------
    feed
        ``(n, height, width, 3)`` what the model sees, blue first.
    targets
        For each output ``(n, height, width, 6)``: the face that the model should make of it, then
        the masks of face, eyes and mouth, 0 to 255.
    indices
        ``(n,)`` which faces these are.
    """

    feed: Pixels
    targets: list[Pixels]
    indices: NDArray[np.intp]


class Batches:
    """Batches of one side. Holds buffers: one thread at a time.

    Parameters
    ----------
    planner
        What to make.
    """

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._faces = planner.faces
        self._colour = ColourJitter(planner.faces.size)

    def batch(self, number: int) -> Batch:
        """Make the batch of this number, counted from 0."""
        planner = self._planner
        plan = planner.plan(number)
        feed = self._empty(planner.feed.size, 3)
        targets = {size: self._empty(size, 6) for size in planner.targets}
        self._fill(plan, feed, targets)
        return Batch(feed, [targets[size] for size in planner.target_sizes], plan.indices)

    def _empty(self, size: int, channels: int) -> Pixels:
        return np.empty((self._planner.batch_size, size, size, channels), np.uint8)

    def _fill(self, plan: Plan, feed: Pixels, targets: dict[int, Pixels]) -> None:
        edge, sampler, samplers = self._faces.size, self._planner.feed, self._planner.targets
        draws = plan.draws
        tiles, tables = clahe_tiles(edge, draws.clahe_step), lookup_tables(draws.colour)
        reach = max(each.reach for each in (sampler, *samplers.values()))
        reductions = {each.reduction for each in samplers.values()}

        for row, index in enumerate(plan.indices):
            maps = sampler.maps(plan.warped[row])
            if plan.feed_maps is not None:
                maps = plan.feed_maps[row]
            image, masks = self._faces.images[index], self._faces.masks[index]
            if tiles[row] or draws.colour[row].any():
                box = sampled_box(edge, reach, plan.still[row], maps)
                image = self._colour(image, int(tiles[row]), tables[row], box)
            images = reduced(image, reductions | {sampler.reduction})
            planes = reduced(masks, reductions)
            sampler.warp(images, maps, feed[row])
            for size, target in targets.items():
                samplers[size].move(images, planes, plan.transforms[row], target[row])
