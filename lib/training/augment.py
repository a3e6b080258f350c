"""Batches of augmented faces, made by the device: what `lib.data.batches` makes, all faces at once.

The host plans a batch and gathers the bytes of its faces, in a thread of its own. All that touches
pixels is done on the device, by as many calls for a large batch as for a small one. Nothing is
read back, and nothing that the device works out decides what is done.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from lib.data.faceset import FaceSet
from lib.data.plan import Plan, Planner
from lib.data.warp import Sampler
from lib.device import device, is_cuda, pinned, upload
from lib.training.colour import Change, Colours, planned
from lib.training.room import Room

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DeviceBatch:
    """Faces of one side, ready to train on.

    Attributes
    ----------
    feed
        ``(n, height, width, 3)`` what the model sees, blue first, bytes on the device.
    targets
        For each output ``(n, height, width, 6)``: the face that the model should make of it, then
        the masks of face, eyes and mouth, 0 to 255.
    indices
        ``(n,)`` which faces these are.
    """

    feed: Tensor
    targets: list[Tensor]
    indices: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Numbers:
    """What the device needs to make ``n`` faces of a batch.

    Places are as `torch.nn.functional.grid_sample` takes them: x and y, from -1 at the left and
    upper edge of what is sampled to 1 at the others.

    Attributes
    ----------
    images, masks
        ``(n, edge, edge, 3)`` bytes.
    change
        Of colours, if any.
    warped
        Places of the feed's nodes, ``(n, 5, 5, 2)``, or of its pixels, ``(n, size, size, 2)``.
    is_mapped
        Whether `warped` is of pixels: where the feed is warped to landmarks.
    steps
        ``(targets, n, 3, 2)``, for each size of target how places change from one column to the
        next, from one row to the next, and that of the first pixel.
    """

    images: Tensor
    masks: Tensor
    change: Change | None
    warped: Tensor
    is_mapped: bool
    steps: Tensor


@dataclass(frozen=True, eq=False)
class Staged:
    """A batch of which the host has done its part.

    Attributes
    ----------
    plan
        Of the batch.
    parts
        Of its faces in order, so many as the device makes at a time: most often all.
    maker
        What staged it.
    """

    plan: Plan
    parts: Sequence[Numbers]
    maker: "DeviceBatches"

    @property
    def indices(self) -> NDArray[np.intp]:
        """Which faces these are, ``(n,)``."""
        return self.plan.indices

    def on_device(self) -> DeviceBatch:
        """Let the device make the batch. This waits for nothing."""
        made = (self.maker.painter(upload(part)) for part in self.parts)
        feeds, targets = zip(*made, strict=True)
        sizes = zip(*targets, strict=True)
        return DeviceBatch(_joined(feeds), list(map(_joined, sizes)), self.indices)

    def smaller(self) -> "Staged":
        """The same batch, of half as many faces at a time; so are those that the run stages next.

        Raises
        ------
        FaceswapError
            It was one at a time.
        """
        self.maker.room.shrink(len(self.parts[0].images))
        return self.maker.stage(self.plan)


class DeviceBatches:
    """Batches of one side, for the device to make.

    Parameters
    ----------
    planner
        What to make.
    room
        For how many faces at a time, in all batches of the run.

    Attributes
    ----------
    planner, room
        As given.
    """

    def __init__(self, planner: Planner, room: Room) -> None:
        self.planner = planner
        self.room = room

    @cached_property
    def painter(self) -> "Painter":
        """What makes the pixels; first asked for where memory may run out."""
        return Painter(self.planner)

    def batch(self, number: int) -> Staged:
        """Do the host's part of the batch of this number, counted from 0."""
        return self.stage(self.planner.plan(number))

    def stage(self, plan: Plan) -> Staged:
        """Do the host's part of a batch, for as many faces at a time as memory has room for."""
        most = self.room.faces  # another thread may shrink it meanwhile
        starts = range(0, len(plan.indices), most)
        parts = [self._numbers(plan, slice(start, start + most)) for start in starts]
        return Staged(plan, parts, self)

    def _numbers(self, plan: Plan, rows: slice) -> Numbers:
        planner, edge = self.planner, self.planner.faces.size
        images, masks = _gathered(planner.faces, plan.indices[rows])
        places = plan.warped if plan.feed_maps is None else plan.feed_maps
        transforms, samplers = plan.transforms[rows], planner.targets.values()
        numbers = Numbers(
            images,
            masks,
            planned(plan.draws, edge, rows),
            _places(places[rows], planner.feed, edge),
            plan.feed_maps is not None,
            torch.stack([_steps(transforms, sampler, edge) for sampler in samplers]),
        )
        return pinned(numbers)


def _gathered(faces: FaceSet, indices: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
    """Bytes of images and of masks, ``(n, edge, edge, 3)``."""
    shape = len(indices), faces.size, faces.size, 3
    pair = [torch.empty(shape, dtype=torch.uint8, pin_memory=is_cuda()) for _ in range(2)]
    images, masks = (tensor.numpy() for tensor in pair)
    for row, index in enumerate(indices):
        images[row], masks[row] = faces.images[index], faces.masks[index]
    return pair[0], pair[1]


def _extent(sampler: Sampler, edge: int) -> int:
    """Edge, in pixels of the face, of the copy that is sampled: a whole number of its pixels."""
    return -(-edge // sampler.reduction) * sampler.reduction


def _places(pixels: NDArray[np.floating], sampler: Sampler, edge: int) -> Tensor:
    """Places of x and y in pixels of the faces, ``(n, 2, ...)``; they go last."""
    extent = _extent(sampler, edge)
    places = (2 * np.moveaxis(pixels, 1, -1) + 1) / extent - 1
    return torch.from_numpy(places.astype(np.float32))


def _steps(transforms: Floats, sampler: Sampler, edge: int) -> Tensor:
    extent = _extent(sampler, edge)
    steps = transforms @ sampler.matrix * (2 / extent)
    steps[:, :, 2] += 1 / extent - 1
    return torch.from_numpy(np.ascontiguousarray(steps.transpose(0, 2, 1), np.float32))


class Painter:
    """Makes the pixels of one side's batches. Holds constants on the device."""

    def __init__(self, planner: Planner) -> None:
        self._feed, self._targets = planner.feed, planner.targets
        self._target_sizes = planner.target_sizes
        self._weights = torch.from_numpy(planner.feed.weights).to(device())
        self._colours = Colours()

    def __call__(self, numbers: Numbers) -> tuple[Tensor, list[Tensor]]:
        """Make feed and targets."""
        images = _planes(numbers.images)
        if numbers.change is not None:
            images = self._colours(images, numbers.change)
        reductions = {each.reduction for each in self._targets.values()}
        pictures = _reduced(images, reductions | {self._feed.reduction})
        feed = _bytes(_sampled(pictures, self._feed, self._warped(numbers)))
        masks = _reduced(_planes(numbers.masks), reductions)
        targets = {}
        for sampler, steps in zip(self._targets.values(), numbers.steps.unbind(), strict=True):
            grid = _grid(steps, sampler.size)
            picture = _sampled(pictures, sampler, grid)
            planes = _sampled(masks, sampler, grid, is_mask=True)
            targets[sampler.size] = _bytes(torch.cat([picture, planes], dim=1))
        return feed, [targets[size] for size in self._target_sizes]

    def _warped(self, numbers: Numbers) -> Tensor:
        """Places of the feed's pixels, ``(n, size, size, 2)``."""
        if numbers.is_mapped:
            return numbers.warped
        rows = (self._weights[:, :, None, None] * numbers.warped[:, None]).sum(2)
        (nodes, *others), (weights, *other_weights) = (
            rows[:, :, None].unbind(3),
            self._weights[..., None].unbind(1),
        )
        # Not by a product of matrices, which TF32 would round to a quarter of a pixel.
        places = nodes * weights
        for nodes, weights in zip(others, other_weights, strict=True):
            places.addcmul_(nodes, weights)
        return places


def _joined(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(parts)) if len(parts) > 1 else parts[0]


def _grid(steps: Tensor, size: int) -> Tensor:
    """Places of the pixels of a moved picture, ``(n, size, size, 2)``."""
    line = torch.arange(size, dtype=torch.float32, device=steps.device)[:, None]
    across, down, first = steps[:, :, None, None].unbind(1)
    return torch.addcmul(torch.addcmul(first, line[:, None], down), line, across)


def _planes(pixels: Tensor) -> Tensor:
    """Floats ``(n, 3, edge, edge)`` of bytes ``(n, edge, edge, 3)``."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)


def _bytes(planes: Tensor) -> Tensor:
    """Bytes ``(n, size, size, channels)`` of floats ``(n, channels, size, size)``."""
    levels = planes.round_().clamp_(0, 255).permute(0, 2, 3, 1)
    return levels.to(torch.uint8, memory_format=torch.contiguous_format)


def _reduced(planes: Tensor, reductions: Iterable[int]) -> dict[int, Tensor]:
    """Copies of faces made smaller by area, by how many times; 1 stands for the faces."""
    edge = planes.shape[-1]
    copies = {1: planes}
    for times in set(reductions) - {1}:
        missing = -edge % times
        whole = F.pad(planes, (0, missing, 0, missing), mode="replicate") if missing else planes
        copies[times] = F.avg_pool2d(whole, times)
    return copies


def _sampled(
    copies: dict[int, Tensor], sampler: Sampler, grid: Tensor, *, is_mask: bool = False
) -> Tensor:
    """Sample faces or masks, beyond whose edge the edge is repeated."""
    # The processor makes faces twice as fine instead, which is less to do there.
    is_cubic = sampler.is_doubled and not is_mask
    return F.grid_sample(
        copies[sampler.reduction],
        grid,
        mode="bicubic" if is_cubic else "bilinear",
        padding_mode="border",
        align_corners=False,
    )
