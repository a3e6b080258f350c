"""Changes of a face's colours, in CIE L*a*b* as OpenCV keeps it in 8 bits."""

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.data.augment import NO_CLAHE

Pixels = NDArray[np.uint8]
Box = tuple[slice, slice]

CLIP_LIMIT = 2.0


def lookup_tables(rates: NDArray[np.float64]) -> Pixels:
    """Tables that change L, a and b of faces.

    A value v becomes ``v + (255 - v) r`` for a rate r of 0 or more, ``v (1 + r)`` below.

    Parameters
    ----------
    rates
        ``(n, 3)``, -1 to 1.

    Returns
    -------
    Pixels
        ``(n, 256, 1, 3)``, one table for `cv2.LUT` a face.
    """
    rates = rates[:, None, None, :]
    values = np.arange(256.0)[:, None, None]
    # Both cases in one line, linear in v.
    changed = values * (1 - np.abs(rates)) + 255 * np.maximum(rates, 0)
    return np.asarray(np.rint(changed), np.uint8)


def clahe_tiles(edge: int, steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Tiles along the edge of faces in CLAHE, 0 for a face that gets none.

    Parameters
    ----------
    edge
        Edge of the faces in pixels.
    steps
        ``(n,)`` refinements of the coarsest grid, or `NO_CLAHE`.
    """
    base = max(edge // 128, 1)
    return np.where(steps == NO_CLAHE, 0, base + steps * max(base // 2, 1))


class ColourJitter:
    """Changes the colours of faces of one size. Holds buffers: each thread needs its own.

    Parameters
    ----------
    edge
        Edge of the faces in pixels.
    """

    def __init__(self, edge: int) -> None:
        self._clahe = cv2.createCLAHE(CLIP_LIMIT)
        self._lab = np.zeros((edge, edge, 3), np.uint8)
        self._lightness = np.zeros((2, edge, edge), np.uint8)
        self._result = np.zeros((edge, edge, 3), np.uint8)

    def __call__(self, face: Pixels, tiles: int, table: Pixels, box: Box) -> Pixels:
        """Change a face.

        Parameters
        ----------
        face
            ``(edge, edge, 3)``, blue first.
        tiles
            CLAHE's tiles along an edge, over the whole face; 0 for none.
        table
            ``(256, 1, 3)``, from `lookup_tables`.
        box
            Rows and columns that are wanted. This saves time, the result in them is the same.

        Returns
        -------
        Pixels
            ``(edge, edge, 3)``, meaningful inside the box only, and overwritten by the next call.
        """
        lab = self._lab[box]
        if tiles:
            cv2.cvtColor(face, cv2.COLOR_BGR2LAB, dst=self._lab)
            self._equalise(tiles, box)
        else:
            cv2.cvtColor(face[box], cv2.COLOR_BGR2LAB, dst=lab)
        cv2.LUT(lab, table, dst=lab)
        cv2.cvtColor(lab, cv2.COLOR_LAB2BGR, dst=self._result[box])
        return self._result

    def _equalise(self, tiles: int, box: Box) -> None:
        before, after = self._lightness
        cv2.extractChannel(self._lab, 0, dst=before)
        self._clahe.setTilesGridSize((tiles, tiles))
        self._clahe.apply(before, dst=after)
        cv2.insertChannel(after[box], self._lab[box], 0)
