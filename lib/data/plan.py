"""Which faces a batch is of, and what is done to each: numbers, no pixels.

All of a batch follows from the seed, the side and the number of the batch. A resumed run goes
on exactly where it stopped, with nothing stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import window_edge
from lib.data.augment import Augmentation, Draws
from lib.data.faceset import FaceSet
from lib.data.landmark_warp import LandmarkWarp, relative_landmarks
from lib.data.warp import Sampler, inverse_transforms, window_nodes

Floats = NDArray[np.float64]

_ORDER, _AUGMENTATION = 0, 1


@dataclass(frozen=True, eq=False)
class Plan:
    """A batch of ``n`` faces, before a pixel of it is made.

    Attributes
    ----------
    indices
        ``(n,)`` which faces these are.
    draws
        All that is random about them.
    transforms
        ``(n, 2, 3)`` from pixels of the moved faces to pixels of the faces.
    still, warped
        ``(n, 2, 5, 5)`` x and y of the nodes over the window in pixels of the face: as the target
        shows them, and moved by the warp.
    feed_maps
        ``(n, 2, size, size)`` x and y in pixels of the face of each pixel of the feed, where it
        is warped to landmarks; None where `warped` says it.
    """

    indices: NDArray[np.intp]
    draws: Draws
    transforms: Floats
    still: Floats
    warped: Floats
    feed_maps: NDArray[np.float32] | None


class Planner:
    """Plans the batches of one side.

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

    Attributes
    ----------
    faces, batch_size, target_sizes
        As given.
    feed : Sampler
        Of the model's input.
    targets : dict
        Sampler of each size of output.

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
        others: Floats | None = None,
    ) -> None:
        self.faces = faces
        self.batch_size = batch_size
        self.target_sizes = list(target_sizes)
        self._augmentation = augmentation
        self._seed = seed, "ab".index(side)
        self._window = window_edge(faces.size, coverage)
        self.feed = Sampler.of_window(input_size, faces.size, self._window)
        self.targets = {
            size: Sampler.of_window(size, faces.size, self._window) for size in target_sizes
        }
        self._landmark_warp = None
        if others is not None and augmentation.warp:
            own = relative_landmarks(side, faces)
            self._landmark_warp = LandmarkWarp(own, others, faces.size, self._window, self.feed)
        self._epoch = -1, np.empty(0, np.intp)

    def plan(self, number: int) -> Plan:
        """Plan the batch of this number, counted from 0."""
        indices, edge = self.indices(number), self.faces.size
        rng = self._rng(_AUGMENTATION, number)
        draws = self._augmentation.draw(rng, len(indices))
        transforms = inverse_transforms(draws, edge)
        still, warped = window_nodes(transforms, draws, edge, self._window)
        feed_maps = None
        if self._landmark_warp is not None:
            # Drawn last, so that all else is the same without.
            pulls = self._landmark_warp.draw(rng, len(indices))
            maps = self._landmark_warp.maps(indices, draws.flipped, transforms, pulls)
            feed_maps = np.stack(list(maps))
        return Plan(indices, draws, transforms, still, warped, feed_maps)

    def _rng(self, purpose: int, number: int) -> np.random.Generator:
        seed, side = self._seed
        sequence = np.random.SeedSequence(seed, spawn_key=(side, purpose, number))
        return np.random.Generator(np.random.Philox(sequence))

    def indices(self, number: int) -> NDArray[np.intp]:
        """Take the batch's part of all epochs in a row; each shuffles all faces anew.

        Parameters
        ----------
        number
            Of the batch, counted from 0.

        Returns
        -------
        ndarray
            Which faces it is of.
        """
        position, end = number * self.batch_size, (number + 1) * self.batch_size
        parts = []
        while position < end:
            epoch, start = divmod(position, len(self.faces))
            part = self._permutation(epoch)[start : start + end - position]
            parts.append(part)
            position += len(part)
        return np.concatenate(parts)

    def _permutation(self, epoch: int) -> NDArray[np.intp]:
        if self._epoch[0] != epoch:
            order = self._rng(_ORDER, epoch).permutation(len(self.faces)).astype(np.intp)
            self._epoch = epoch, order
        return self._epoch[1]
