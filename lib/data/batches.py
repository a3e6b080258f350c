"""Batches of augmented faces, and the thread that keeps them ready.

All of a batch follows from the seed, the side and the number of the batch. A resumed run goes
on exactly where it stopped, with nothing stored.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import window_edge
from lib.data.augment import Augmentation
from lib.data.colour import ColourJitter, clahe_tiles, lookup_tables
from lib.data.faceset import FaceSet
from lib.data.landmark_warp import LandmarkWarp, relative_landmarks
from lib.data.warp import Sampler, inverse_transforms, reduced, sampled_box, window_nodes

Pixels = NDArray[np.uint8]

_ORDER, _AUGMENTATION = 0, 1


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
    faces
        The faces; at least one.
    input_size
        Edge of the model's input in pixels.
    target_sizes
        Edge of each of its outputs in pixels.
    coverage
        Part of a face's edge that the trained window spans, above 0 and up to 1.
    augmentation
        How far faces may be changed.
    batch_size
        Faces in a batch.
    seed
        0 or more.
    side
        "a" or "b".
    others
        ``(m, 68, 2)`` the other side's landmarks, from
        `lib.data.landmark_warp.relative_landmarks`: feeds are warped towards them. None warps
        feeds at random. Where `augmentation` has no warp, neither is done.

    Raises
    ------
    FaceswapError
        `others` is given, and some of the faces have no landmarks.
    """

    def __init__(
        self,
        faces: FaceSet,
        input_size: int,
        target_sizes: Sequence[int],
        coverage: float,
        augmentation: Augmentation,
        batch_size: int,
        seed: int,
        side: str,
        others: NDArray[np.float64] | None = None,
    ) -> None:
        self._faces = faces
        self._augmentation = augmentation
        self._batch_size = batch_size
        self._seed = seed, "ab".index(side)
        self._window = window_edge(faces.size, coverage)
        self._feed = Sampler.of_window(input_size, faces.size, self._window)
        self._targets = {
            size: Sampler.of_window(size, faces.size, self._window) for size in target_sizes
        }
        self._target_sizes = list(target_sizes)
        self._landmark_warp = None
        if others is not None and augmentation.warp:
            own = relative_landmarks(side, faces)
            self._landmark_warp = LandmarkWarp(own, others, faces.size, self._window, self._feed)
        self._colour = ColourJitter(faces.size)
        self._epoch = -1, np.empty(0, np.intp)

    def batch(self, number: int) -> Batch:
        """Make the batch of this number, counted from 0."""
        indices = self._indices(number)
        feed = self._empty(self._feed.size, 3)
        targets = {size: self._empty(size, 6) for size in self._targets}
        self._fill(indices, self._rng(_AUGMENTATION, number), feed, targets)
        return Batch(feed, [targets[size] for size in self._target_sizes], indices)

    def _rng(self, purpose: int, number: int) -> np.random.Generator:
        seed, side = self._seed
        sequence = np.random.SeedSequence(seed, spawn_key=(side, purpose, number))
        return np.random.Generator(np.random.Philox(sequence))

    def _empty(self, size: int, channels: int) -> Pixels:
        return np.empty((self._batch_size, size, size, channels), np.uint8)

    def _indices(self, number: int) -> NDArray[np.intp]:
        """Take the batch's part of all epochs in a row; each shuffles all faces anew."""
        position, end = number * self._batch_size, (number + 1) * self._batch_size
        parts = []
        while position < end:
            epoch, start = divmod(position, len(self._faces))
            part = self._permutation(epoch)[start : start + end - position]
            parts.append(part)
            position += len(part)
        return np.concatenate(parts)

    def _permutation(self, epoch: int) -> NDArray[np.intp]:
        if self._epoch[0] != epoch:
            order = self._rng(_ORDER, epoch).permutation(len(self._faces)).astype(np.intp)
            self._epoch = epoch, order
        return self._epoch[1]

    def _fill(
        self,
        indices: NDArray[np.intp],
        rng: np.random.Generator,
        feed: Pixels,
        targets: dict[int, Pixels],
    ) -> None:
        edge, samplers = self._faces.size, self._targets.values()
        draws = self._augmentation.draw(rng, len(indices))
        transforms = inverse_transforms(draws, edge)
        still, warped = window_nodes(transforms, draws, edge, self._window)
        feed_maps: Iterator[NDArray[np.float32]] = map(self._feed.maps, warped)
        if self._landmark_warp is not None:
            # Drawn last, so that all else is the same without.
            pulls = self._landmark_warp.draw(rng, len(indices))
            feed_maps = self._landmark_warp.maps(indices, draws.flipped, transforms, pulls)
        tiles, tables = clahe_tiles(edge, draws.clahe_step), lookup_tables(draws.colour)
        reach = max(sampler.reach for sampler in (self._feed, *samplers))
        reductions = {sampler.reduction for sampler in samplers}

        for row, (index, maps) in enumerate(zip(indices, feed_maps, strict=True)):
            image, masks = self._faces.images[index], self._faces.masks[index]
            if tiles[row] or draws.colour[row].any():
                box = sampled_box(edge, reach, still[row], maps)
                image = self._colour(image, int(tiles[row]), tables[row], box)
            images = reduced(image, reductions | {self._feed.reduction})
            planes = reduced(masks, reductions)
            self._feed.warp(images, maps, feed[row])
            for size, target in targets.items():
                self._targets[size].move(images, planes, transforms[row], target[row])


class Prefetcher:
    """Makes the batches of both sides in a thread, ahead of their use.

    Parameters
    ----------
    batches_a, batches_b
        The sides' batches; nothing else may use them until this is closed.
    start
        Number of the first pair.
    step
        From the number of one pair to that of the next.
    depth
        Pairs kept ready.

    Attributes
    ----------
    waited
        Seconds that `next` has waited in all.
    """

    def __init__(
        self,
        batches_a: Batches,
        batches_b: Batches,
        start: int = 0,
        *,
        step: int = 1,
        depth: int = 3,
    ) -> None:
        self.waited = 0.0
        self._sides = batches_a, batches_b
        self._step = step
        self._depth = depth
        self._ready: deque[tuple[Batch, Batch]] = deque()
        self._error: BaseException | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(
            target=self._run, args=(start,), name="prefetch", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def next(self) -> tuple[Batch, Batch]:
        """Take the next batches of A and B; wait for them where they are not ready.

        Raises
        ------
        Exception
            Whatever ended the thread, once the pairs made before it are taken.
        ValueError
            The prefetcher is closed.
        """
        begun = time.perf_counter()
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._error or self._closed)
            self.waited += time.perf_counter() - begun
            if self._closed:
                raise ValueError("next() on a closed Prefetcher")
            if self._ready:
                self._changed.notify_all()
                return self._ready.popleft()
            assert self._error is not None
            raise self._error

    def close(self) -> None:
        """End the thread, wait for it, and let go of what is ready."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()
        self._thread.join()

    def _run(self, number: int) -> None:
        try:
            while self._has_room():
                batch_a, batch_b = (side.batch(number) for side in self._sides)
                number += self._step
                with self._changed:
                    self._ready.append((batch_a, batch_b))
                    self._changed.notify_all()
        except BaseException as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _has_room(self) -> bool:
        """Wait until another pair is wanted; False once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._ready) < self._depth)
            return not self._closed
