"""Changes of a face's colours, in CIE L*a*b* on the scale of 0 to 255."""

import numpy as np
from numpy.typing import NDArray

from lib.data.augment import NO_CLAHE
from lib.data.kernels import kernels
from lib.data.srgb import TO_XYZ, linear_light

Pixels = NDArray[np.uint8]
Box = tuple[slice, slice]

CLIP_LIMIT = 2.0

_SUMS = 1 << 14
"""Steps of luminance that L is looked up for."""


def lines(rates: NDArray[np.float64]) -> NDArray[np.float32]:
    """What L, a and b of faces are multiplied by, and what is added.

    A value v becomes ``v + (255 - v) r`` for a rate r of 0 or more, ``v (1 + r)`` below: both are
    linear in v.

    Parameters
    ----------
    rates
        ``(n, 3)``, -1 to 1.

    Returns
    -------
    NDArray
        ``(n, 3, 2)``.
    """
    return np.stack([1 - np.abs(rates), 255 * np.maximum(rates, 0)], axis=-1).astype(np.float32)


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


def are_changed(rates: NDArray[np.float64], tiles: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which faces come out in other colours, ``(n,)``; the others stay as they are to the byte.

    Parameters
    ----------
    rates
        ``(n, 3)``, as `lines` takes them.
    tiles
        ``(n,)``, from `clahe_tiles`.
    """
    return rates.any(axis=1) | (tiles > 0)


def _luminance_shares() -> NDArray[np.int32]:
    light = linear_light(np.arange(256) / 255)
    return np.asarray(np.rint(np.outer(TO_XYZ[1, ::-1], light) * _SUMS), np.int32)


def _lightness_table() -> Pixels:
    light = np.arange(_SUMS + 3) / _SUMS  # three shares, each rounded
    root = np.where(light > (6 / 29) ** 3, np.cbrt(light), light * 841 / 108 + 4 / 29)
    return np.asarray(np.rint(np.minimum(116 * root - 16, 100) * 2.55), np.uint8)


_SHARES, _LIGHTNESS = _luminance_shares(), _lightness_table()


class ColourJitter:
    """Changes the colours of faces of one size. Holds buffers: each thread needs its own.

    Parameters
    ----------
    edge
        Edge of the faces in pixels.
    """

    def __init__(self, edge: int) -> None:
        self._edge = edge
        self._lightness = np.zeros((edge, edge), np.uint8)
        self._equalised = np.zeros((edge, edge), np.float32)
        self._result = np.zeros((edge, edge, 4), np.uint8)

    def __call__(self, face: Pixels, tiles: int, line: NDArray[np.float32], box: Box) -> Pixels:
        """Change a face.

        Parameters
        ----------
        face
            ``(edge, edge, 3)``, blue first.
        tiles
            CLAHE's tiles along an edge, over the whole face; 0 for none.
        line
            ``(3, 2)``, from `lines`.
        box
            Rows and columns that are wanted. This saves time, the result in them is the same.

        Returns
        -------
        Pixels
            ``(edge, edge, 4)``, blue first and 0 last, meaningful inside the box only, and
            overwritten by the next call.
        """
        flat = face.reshape(self._edge, -1)
        rows, columns = box
        ends = rows.start, rows.stop, columns.start, columns.stop
        if tiles:
            self._equalise(flat, tiles, ends)
        result = self._result.view(np.uint32)[..., 0]
        kernels().recolour(flat, ends, self._equalised, tiles > 0, line, result)
        return self._result

    def _equalise(self, flat: Pixels, tiles: int, ends: tuple[int, int, int, int]) -> None:
        lightness, curves, blend = kernels().lightness, kernels().curves, kernels().blend
        lightness(flat, _SHARES, _LIGHTNESS, self._lightness)
        found = np.empty((tiles, tiles, 256), np.float32)
        curves(self._lightness, tiles, CLIP_LIMIT, found)
        mixed = np.empty(tiles * 256, np.float32)
        blend(self._lightness, found, -(-self._edge // tiles), ends, mixed, self._equalised)
