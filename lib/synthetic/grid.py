"""The mean head as one grid of points: a loft over cross-sections, slit at the eyes and the mouth.

Head units: about 0.85 cm; x to the right of the picture, y up, z towards the viewer, the eyes at
y = 0. The grid's columns run round the head and its rows from the crown down to the collar. Where
the lids and the lips meet, a row is repeated, so that the halves can part: the extra rows become
the lids' rims and the mouth's inside. All identities share the grid, so a place on the face is the
same (row, column) for everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
"""Coordinates and colours; float32 but where noted."""

EYE_INNER, EYE_OUTER = 1.98, 5.2
EYE_CENTRE = (EYE_INNER + EYE_OUTER) / 2
MOUTH_Y = -8.1
EYE_SLIT, MOUTH_SLIT = 4, 6
_EYE_ROW_WIDTH = 8.25

# y front, y side, half width, z front, z side, z back, squareness, bend; then rows down to the next
# cross-section
_SECTIONS: tuple[tuple[tuple[float, ...], int], ...] = (
    ((14.0, 14.0, 0.02, -4.6, -4.6, -4.62, 2.0, 1.9), 3),
    ((13.5, 13.5, 3.5, -1.4, -4.6, -8.2, 2.0, 1.9), 3),
    ((11.7, 11.7, 6.4, 2.2, -4.5, -12.2, 2.05, 1.9), 4),
    ((8.4, 8.4, 8.2, 4.7, -4.4, -14.5, 2.2, 1.9), 6),
    ((4.8, 4.8, 8.75, 5.9, -4.4, -15.0, 2.4, 1.9), 6),
    ((2.2, 2.2, 8.6, 6.1, -4.4, -15.0, 2.5, 1.9), 10),
    ((0.0, 0.0, 8.25, 5.3, -4.3, -14.6, 2.5, 1.9), 16),
    ((-4.0, -3.6, 7.95, 5.0, -4.0, -12.6, 2.35, 1.9), 9),
    ((-6.0, -5.0, 7.5, 5.3, -3.8, -10.5, 2.25, 1.9), 11),
    ((MOUTH_Y, -6.0, 6.95, 5.5, -3.6, -9.6, 2.15, 1.9), 10),
    ((-10.3, -7.0, 6.35, 5.2, -3.4, -9.2, 2.05, 1.3), 6),
    ((-11.9, -7.8, 6.1, 5.2, -3.3, -9.0, 2.0, 0.8), 5),
    ((-12.9, -8.6, 5.9, 4.2, -3.3, -8.9, 2.0, 0.8), 3),
    ((-13.3, -9.5, 5.5, 2.6, -3.4, -8.8, 2.0, 0.8), 4),
    ((-13.6, -11.5, 5.0, -0.4, -3.8, -8.7, 2.0, 0.8), 3),
    ((-15.2, -15.0, 4.9, -0.3, -4.2, -8.9, 2.0, 0.8), 4),
    ((-20.5, -19.5, 6.0, 0.2, -4.6, -9.8, 2.0, 1.9), 0),
)


@dataclass(frozen=True)
class Grid:
    """The mean head before relief, warps and expression.

    `points` (rows, columns, 3) are canonical positions; `front` (rows, columns) is 1 on the face
    and 0 behind the ears; `angle` (columns,) is each column's way round the head in radians, 0 at
    the nose; `eye_row` and `mouth_row` are the first rows of the slits; `below_eyes` and
    `below_mouth` (rows, 1) are 1 under each slit's middle; `jaw_row` runs along the edge of the
    lower jaw; `mouth_x` is the corner's canonical x.
    """

    points: Array
    front: Array
    angle: Array
    eye_row: int
    mouth_row: int
    jaw_row: int
    below_eyes: Array
    below_mouth: Array
    mouth_x: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.points.shape[:2]
        return rows, columns

    def locate(self, x: float, y: float) -> tuple[float, float]:
        """Find the fractional (row, column) of the front point at `x`, `y`, off the slits."""
        column = self.column(x, y)
        left = int(column)
        share = column - left
        keep = np.r_[: self.eye_row + 1, self.eye_row + EYE_SLIT : self.mouth_row + 1]
        keep = np.r_[keep, self.mouth_row + MOUTH_SLIT : self.jaw_row + 4]
        heights = self.points[keep, left, 1] * (1 - share) + self.points[keep, left + 1, 1] * share
        return float(np.interp(-y, -heights, keep)), column

    def column(self, x: float, y: float) -> float:
        """Find the fractional column of canonical `x` on the front of the row nearest to `y`."""
        middle = self.shape[1] // 2
        row = int(np.argmin(np.abs(self.points[:, middle, 1] - y)))
        side = slice(np.argmin(self.angle < -np.pi / 2) - 1, np.argmax(self.angle > np.pi / 2) + 1)
        return float(np.interp(x, self.points[row, side, 0], np.arange(self.shape[1])[side]))


@lru_cache(maxsize=1)
def mean_grid() -> Grid:
    """Return the grid, which is built once."""
    angle = _angles()
    fields, keys = _loft()
    y0, y1, width, front, side, back, power, bend = (f[:, None] for f in fields.T)
    sine, cosine = np.abs(np.sin(angle)), np.cos(angle)
    bow = np.clip(1 - sine**power, 0, None) ** (1 / power)
    x = width * np.sin(angle)
    y = y0 + (y1 - y0) * (1 - np.clip(cosine, 0, 1)) ** bend
    z = side + np.where(cosine > 0, front - side, back - side) * bow
    points = np.stack([np.broadcast_to(x, z.shape), y, z], axis=-1)
    eye, mouth, jaw = keys[6], keys[9], keys[12]
    corner = points[mouth, len(angle) // 2 :, 0]
    repeats = np.ones(len(points), int)
    repeats[eye], repeats[mouth] = EYE_SLIT, MOUTH_SLIT
    mouth += EYE_SLIT - 1
    rows = np.arange(repeats.sum())
    return Grid(
        points=np.repeat(points, repeats, axis=0).astype(np.float32),
        front=np.broadcast_to(_smooth(cosine, -0.1, 0.25), (len(rows), len(angle))).astype(
            np.float32
        ),
        angle=angle.astype(np.float32),
        eye_row=eye,
        mouth_row=mouth,
        jaw_row=jaw + EYE_SLIT + MOUTH_SLIT - 2,
        below_eyes=(rows >= eye + EYE_SLIT // 2).astype(np.float32)[:, None],
        below_mouth=(rows >= mouth + MOUTH_SLIT // 2).astype(np.float32)[:, None],
        mouth_x=float(corner[np.argmin(np.abs(corner - 3.0))]),
    )


def _angles() -> NDArray[np.float64]:
    """Columns: dense over the eyes, whose corners fall on columns, and sparse behind the ears."""
    x = np.concatenate(
        [
            np.linspace(0, EYE_INNER, 9)[:-1],
            np.linspace(EYE_INNER, EYE_OUTER, 16)[:-1],
            np.linspace(EYE_OUTER, 7.0, 8),
        ]
    )
    front = np.arcsin(x / _EYE_ROW_WIDTH)
    half = np.concatenate(
        [front[:-1], np.linspace(front[-1], np.pi / 2, 8)[:-1], np.linspace(np.pi / 2, np.pi, 9)]
    )
    return np.concatenate([-half[:0:-1], half])


def _loft() -> tuple[NDArray[np.float64], list[int]]:
    """Fields of `_SECTIONS` interpolated to every row, and the rows of the sections themselves."""
    counts = [count for _, count in _SECTIONS]
    keys = np.concatenate([[0], np.cumsum(counts)[:-1]])
    table = np.array([fields for fields, _ in _SECTIONS])
    return cubic(np.arange(keys[-1] + 1.0), keys.astype(float), table), keys.tolist()


def cubic(
    at: NDArray[np.float64], keys: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate `values` (n, ...), given at increasing `keys` (n,), by a monotone cubic.

    Hermite pieces with the harmonic-mean slopes of Fritsch and Butland (1984), which never
    overshoot.
    """
    table = values.reshape(len(keys), -1)
    step = np.diff(keys)[:, None]
    slope = np.diff(table, axis=0) / step
    product = slope[:-1] * slope[1:]
    total = slope[:-1] + slope[1:]
    inner = np.where(product > 0, 2 * product / np.where(product > 0, total, 1), 0)
    tangent = np.concatenate([slope[:1], inner, slope[-1:]])
    piece = np.clip(np.searchsorted(keys, at, side="right") - 1, 0, len(keys) - 2)
    t = (np.clip(at, keys[0], keys[-1]) - keys[piece])[:, None] / step[piece]
    h = t * t * (3 - 2 * t)
    out = (
        table[piece] * (1 - h)
        + table[piece + 1] * h
        + step[piece] * (t * (1 - t) ** 2 * tangent[piece] - t * t * (1 - t) * tangent[piece + 1])
    )
    return np.asarray(out.reshape(len(at), *values.shape[1:]))


def _smooth(x: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
