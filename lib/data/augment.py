"""What is done to a face at random, and what is done to it without: the numbers, not the pixels."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import window_edge
from lib.data.stored import Pictures

Pixels = NDArray[np.uint8]

NODES = 5
WARP_DEVIATION = 5 / 256
NO_CLAHE = -1


@dataclass(frozen=True, eq=False)
class Draws:
    """Random numbers for a batch of ``n`` faces; lengths are in parts of a face's edge.

    Attributes
    ----------
    rotation
        ``(n,)`` radians; positive turns the x axis towards the y axis.
    scale
        ``(n,)`` factor; above 1 enlarges the face.
    shift
        ``(n, 2)`` along x and y.
    flipped
        ``(n,)`` whether left and right change places.
    warp
        ``(n, 2, 5, 5)`` how far, along x and along y, each node of the grid over the window moves.
    clahe_step
        ``(n,)`` how much finer than the coarsest the grid of the histogram equalisation is; -1
        for no equalisation.
    colour
        ``(n, 3)`` change of L, a and b, -1 to 1; see `lib.data.colour.lines`.
    """

    rotation: NDArray[np.float64]
    scale: NDArray[np.float64]
    shift: NDArray[np.float64]
    flipped: NDArray[np.bool_]
    warp: NDArray[np.float64]
    clahe_step: NDArray[np.int64]
    colour: NDArray[np.float64]


@dataclass(frozen=True)
class Augmentation:
    """How far faces may be changed.

    Attributes
    ----------
    zoom_amount, rotation_range, shift_range
        Largest change of size in per cent, turn in degrees and shift in per cent of the face's
        edge; each is drawn evenly from both signs.
    flip_chance, color_clahe_chance
        Per cent.
    color_lightness, color_ab
        Largest change of L, and of a and b, in per cent.
    color_clahe_max_size
        The most steps by which the equalisation's grid may be refined.
    flip, colour, warp
        False leaves that part out, and leaves all the others as they are.
    """

    zoom_amount: float = 5
    rotation_range: float = 10
    shift_range: float = 5
    flip_chance: float = 50
    color_lightness: float = 30
    color_ab: float = 8
    color_clahe_chance: float = 50
    color_clahe_max_size: int = 4
    flip: bool = True
    colour: bool = True
    warp: bool = True

    def draw(self, rng: np.random.Generator, count: int) -> Draws:
        """Draw all that is random about ``count`` faces."""

        def spread(amount: float, *shape: int) -> NDArray[np.float64]:
            return rng.uniform(-amount, amount, (count, *shape))

        geometry = {
            "rotation": np.deg2rad(spread(self.rotation_range)),
            "scale": 1 + spread(self.zoom_amount / 100),
            "shift": spread(self.shift_range / 100, 2),
            "flipped": (rng.random(count) < self.flip_chance / 100) & self.flip,
            "warp": rng.normal(0, WARP_DEVIATION, (count, 2, NODES, NODES)) * self.warp,
        }
        clahe = (rng.random(count) < self.color_clahe_chance / 100) & self.colour
        steps = rng.integers(0, self.color_clahe_max_size, count, endpoint=True)
        lab = np.array([self.color_lightness, self.color_ab, self.color_ab]) / 100
        return Draws(
            **geometry,
            clahe_step=np.where(clahe, steps, NO_CLAHE),
            colour=spread(1, 3) * lab * self.colour,
        )


def plain(pixels: Pictures, indices: NDArray[np.integer], size: int, coverage: float) -> Pixels:
    """Cut the trained window out of faces, unchanged but for its size.

    Parameters
    ----------
    pixels
        Images or masks, ``(n, edge, edge, 3)``; the edge is even.
    indices
        ``(m,)`` which of them.
    size
        Edge of the result in pixels.
    coverage
        Part of the edge that the window spans, above 0 and up to 1.

    Returns
    -------
    Pixels
        ``(m, size, size, 3)``; made smaller by area, larger by cubic interpolation.

    Raises
    ------
    ValueError
        The edge is odd: the window's middle would lie between pixels.
    """
    edge = pixels.shape[1]
    if edge % 2:
        raise ValueError(f"faces must have an even edge, not {edge}")
    window = window_edge(edge, coverage)
    inside = slice((edge - window) // 2, (edge + window) // 2)
    how = cv2.INTER_AREA if size < window else cv2.INTER_CUBIC
    result = np.empty((len(indices), size, size, pixels.shape[3]), np.uint8)
    for row, index in enumerate(indices):
        cv2.resize(pixels[index][inside, inside], (size, size), dst=result[row], interpolation=how)
    return result
