"""Batches of augmented faces, made by the processor."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.data.colour import ColourJitter, are_changed, clahe_tiles, lines
from lib.data.copies import Box, Copies
from lib.data.plan import Plan, Planner
from lib.data.warp import sampled_box

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

    Attributes
    ----------
    planner
        As given.
    """

    def __init__(self, planner: Planner) -> None:
        self.planner = planner
        self._faces = planner.faces
        self._colour = ColourJitter(planner.faces.size)
        self._copies = Copies(planner.faces.size)
        self._maps = np.empty((2, planner.feed.size, planner.feed.size), np.float32)
        self._picture = np.zeros((planner.faces.size, planner.faces.size, 4), np.uint8)

    def batch(self, number: int) -> Batch:
        """Make the batch of this number, counted from 0."""
        planner = self.planner
        plan = planner.plan(number)
        feed = self._empty(planner.feed.size, 3)
        targets = {size: self._empty(size, 6) for size in planner.targets}
        self._fill(plan, feed, targets)
        return Batch(feed, [targets[size] for size in planner.target_sizes], plan.indices)

    def _empty(self, size: int, channels: int) -> Pixels:
        return np.empty((self.planner.batch_size, size, size, channels), np.uint8)

    def _fill(self, plan: Plan, feed: Pixels, targets: dict[int, Pixels]) -> None:
        edge, sampler, samplers = self._faces.size, self.planner.feed, self.planner.targets
        reach = max(each.reach for each in (sampler, *samplers.values()))
        tiles = clahe_tiles(edge, plan.draws.clahe_step)
        changes, changed = lines(plan.draws.colour), are_changed(plan.draws.colour, tiles)

        for row, index in enumerate(plan.indices):
            maps, ends = self._feed_maps(plan, row)
            box = sampled_box(edge, reach, plan.still[row], ends)
            image = self._faces.images[index]
            if changed[row]:
                picture = self._colour(image, int(tiles[row]), changes[row], box)
            else:
                picture = self._plain(image, box)
            self._copies.show(picture, self._faces.masks[index], box)
            sampler.warp(self._copies, maps, feed[row])
            for size, target in targets.items():
                samplers[size].move(self._copies, plan.transforms[row], target[row])

    def _feed_maps(self, plan: Plan, row: int) -> tuple[NDArray[np.float32], NDArray[np.floating]]:
        """Where the feed's pixels lie in the copy; least and greatest x, and y, in the face."""
        sampler = self.planner.feed
        if plan.feed_maps is not None:
            places = plan.feed_maps[row]
            return sampler.on_copy(places), places
        maps = sampler.maps(sampler.on_copy(plan.warped[row]), self._maps)
        flat = maps.reshape(2, -1)
        ends = np.stack([flat.min(axis=1), flat.max(axis=1)], axis=1)
        return maps, sampler.off_copy(ends)

    def _plain(self, image: Pixels, box: Box) -> Pixels:
        """Give a picture a fourth channel."""
        self._picture[box] = cv2.cvtColor(image[box], cv2.COLOR_BGR2BGRA)
        return self._picture
