"""Geometry of augmented faces: every move composed into one resampling for each output.

Pixel middles lie at whole numbers, so a face of edge S reaches from -0.5 to S - 0.5, and the window
lies around its middle, (S - 1) / 2. Beyond a face's edge, the edge is repeated.

Pictures are sampled with the cubic kernel where a pixel of the output spans less than 4/3 pixels of
the face, else linearly. Against area averages of a moved picture three times as fine, at one pixel
for one, linear sampling keeps 0.60 of the finest detail's energy (32.5 dB), cubic 0.88 (35.2 dB),
Lanczos 0.93 (35.6 dB, in four times cubic's time); above 4/3 cubic sampling aliases, and linear is
the nearer one. From two pixels on, the face is first reduced by area. Masks are sampled linearly,
which cannot overshoot.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.data.augment import NODES, Draws

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Box = tuple[slice, slice]
Levels = dict[int, Pixels]
"""Copies of a face by how many times smaller they are."""

_CUBIC_BELOW = 4 / 3
_KERNEL_REACH = 3


def node_weights(size: int) -> NDArray[np.float32]:
    """Weights that spread the values at a row of nodes over a row of pixels.

    The curve is the spline of Catmull and Rom (1974), smooth, through the nodes; beyond the first
    and the last node it goes on in a line, so that a linear row of values stays exactly that.

    Parameters
    ----------
    size
        Pixels in the row. The first node lies at its left edge, the last at its right edge.

    Returns
    -------
    NDArray
        ``(size, 5)``; each row sums to 1.
    """
    place = (np.arange(size) + 0.5) / size * (NODES - 1)
    left = np.floor(place).astype(int)
    t = place - left
    kernel = (
        t * (-1 + t * (2 - t)),
        2 + t * t * (3 * t - 5),
        t * (1 + t * (4 - 3 * t)),
        t * t * (t - 1),
    )
    rows = np.arange(size)
    padded = np.zeros((size, NODES + 2))
    for offset, weight in enumerate(kernel):
        padded[rows, left + offset] = weight / 2
    weights = padded[:, 1:-1]
    for outside, end, next_ in ((0, 0, 1), (-1, -1, -2)):
        weights[:, end] += 2 * padded[:, outside]
        weights[:, next_] -= padded[:, outside]
    return weights.astype(np.float32)


def inverse_transforms(draws: Draws, edge: int) -> Floats:
    """Matrices from pixels of the moved faces to pixels of the faces.

    A face is turned and scaled about its middle, shifted, then flipped.

    Parameters
    ----------
    draws
        For ``n`` faces.
    edge
        Edge of the faces in pixels.

    Returns
    -------
    NDArray
        ``(n, 2, 3)``.
    """
    cos, sin = np.cos(draws.rotation) / draws.scale, np.sin(draws.rotation) / draws.scale
    unturn = np.stack([cos, sin, -sin, cos], axis=-1).reshape(-1, 2, 2)
    linear = unturn.copy()
    linear[:, :, 0] *= np.where(draws.flipped, -1, 1)[:, None]
    middle = np.full(2, (edge - 1) / 2)
    offset = middle - linear @ middle - (unturn @ (draws.shift * edge)[..., None])[..., 0]
    return np.concatenate([linear, offset[..., None]], axis=-1)


def window_nodes(transforms: Floats, draws: Draws, edge: int, window: int) -> tuple[Floats, Floats]:
    """Where the grid over the window lies in the faces.

    Parameters
    ----------
    transforms
        ``(n, 2, 3)``, from `inverse_transforms`.
    draws
        The same faces' draws.
    edge, window
        Edges of the faces and of the window in pixels.

    Returns
    -------
    still, warped : NDArray
        ``(n, 2, 5, 5)`` x and y of the nodes in pixels of the face, as they are and moved by the
        draws. Rows of the grid come first, then columns.
    """
    line = (edge - 1) / 2 + window * np.linspace(-0.5, 0.5, NODES)
    nodes = np.stack(np.meshgrid(line, line))
    linear, offset = transforms[:, :, :2], transforms[:, :, 2, None, None]

    def to_face(moved: Floats) -> Floats:
        return np.asarray(np.einsum("nij,njrc->nirc", linear, moved) + offset)

    return (
        to_face(np.broadcast_to(nodes, draws.warp.shape)),
        to_face(nodes + draws.warp * edge),
    )


@dataclass(frozen=True, eq=False)
class Sampler:
    """Fills one size of output from faces of one size.

    Attributes
    ----------
    size
        Edge of the output in pixels.
    reduction
        How many times smaller than the face the copy is that it is sampled from.
    interpolation
        OpenCV's code for pictures.
    matrix
        ``(3, 3)`` from pixels of the output to pixels of the moved face.
    weights
        ``(size, 5)``, from `node_weights`.
    """

    size: int
    reduction: int
    interpolation: int
    matrix: Floats
    weights: NDArray[np.float32]

    @classmethod
    def of_window(cls, size: int, edge: int, window: int) -> "Sampler":
        """Sampler of the window in faces of edge ``edge``."""
        reduction = max(window // size, 1)
        cubic = window / size / reduction < _CUBIC_BELOW
        step = window / size
        start = (edge - window + step - 1) / 2
        return cls(
            size,
            reduction,
            cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR,
            np.array([[step, 0, start], [0, step, start], [0, 0, 1]]),
            node_weights(size),
        )

    @property
    def reach(self) -> int:
        """Pixels of the face, beyond the places sampled, that the samples depend on."""
        return _KERNEL_REACH * self.reduction

    def maps(self, nodes: Floats) -> NDArray[np.float32]:
        """Where the pixels of a warped output lie in the face, ``(2, size, size)``: x and y."""
        return np.asarray(self.weights @ nodes.astype(np.float32) @ self.weights.T, np.float32)

    def warp(self, levels: Levels, maps: NDArray[np.float32], result: Pixels) -> None:
        """Sample a face where ``maps`` say, into ``result``, ``(size, size, 3)``."""
        if self.reduction > 1:
            maps = maps / np.float32(self.reduction) + np.float32(0.5 / self.reduction - 0.5)
        cv2.remap(
            levels[self.reduction],
            maps[0],
            maps[1],
            self.interpolation,
            dst=result,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def move(self, image: Levels, masks: Levels, transform: Floats, result: Pixels) -> None:
        """Sample a moved face and its masks into ``result``, ``(size, size, 6)``."""
        matrix = transform @ self.matrix / self.reduction
        matrix[:, 2] += 0.5 / self.reduction - 0.5
        picture = self._affine(image[self.reduction], matrix, self.interpolation)
        planes = self._affine(masks[self.reduction], matrix, cv2.INTER_LINEAR)
        cv2.merge([picture, planes], dst=result)

    def _affine(self, pixels: Pixels, matrix: Floats, interpolation: int) -> cv2.typing.MatLike:
        return cv2.warpAffine(
            pixels,
            matrix,
            (self.size, self.size),
            flags=interpolation | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )


def reduced(pixels: Pixels, reductions: Iterable[int]) -> Levels:
    """Make copies of a face smaller by area; 1 stands for the face itself."""
    levels: Levels = {}
    for times in reductions:
        levels[times] = pixels if times == 1 else _reduce(pixels, times)
    return levels


def _reduce(pixels: Pixels, times: int) -> Pixels:
    # Where the edge is no multiple, the last column and row would make every pixel a little larger.
    missing = -pixels.shape[0] % times
    whole = cv2.copyMakeBorder(pixels, 0, missing, 0, missing, cv2.BORDER_REPLICATE)
    edge = whole.shape[0] // times
    return np.asarray(cv2.resize(whole, (edge, edge), interpolation=cv2.INTER_AREA), np.uint8)


def sampled_box(edge: int, reach: int, *places: NDArray[np.floating]) -> Box:
    """Rows and columns of a face that samples depend on.

    Parameters
    ----------
    edge
        Edge of the face in pixels.
    reach
        How far a sample looks about its place, in pixels.
    places
        ``(2, ...)`` x and y of places in pixels of the face, that hold all samples between them.
    """
    flat = [place.reshape(2, -1) for place in places]
    lows = [place.min(axis=1).tolist() for place in flat]
    highs = [place.max(axis=1).tolist() for place in flat]

    def span(axis: int) -> slice:
        first = _within(edge, min(low[axis] for low in lows))
        last = _within(edge, max(high[axis] for high in highs))
        return slice(max(floor(first) - reach, 0), min(ceil(last) + reach + 1, edge))

    return span(1), span(0)


def _within(edge: int, place: float) -> float:
    """Where a face shows what a place shows: beyond its edge, the edge is repeated."""
    return min(max(place, 0), edge - 1)
