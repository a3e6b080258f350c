"""The 68 landmarks (iBUG order): their places on the grid, and where a pose puts them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lib.synthetic.grid import EYE_INNER, EYE_OUTER, EYE_SLIT, MOUTH_SLIT, MOUTH_Y, Array, mean_grid

# Canonical brow ridge (inner to outer end) and the lips' outer borders over the lip line, in
# head units.
BROW_X = (1.45, 2.8, 4.2, 5.5, 6.5)
BROW_Y = (2.0, 2.5, 2.75, 2.45, 1.65)
LIP_X = (0.0, 0.85, 2.0, 3.05)
LIP_UPPER = (0.66, 0.86, 0.55, 0.0)
LIP_LOWER = (1.22, 1.12, 0.72, 0.0)
_NOSE = (
    (0, 0.2),
    (0, -1.25),
    (0, -2.7),
    (0, -4.2),
    (-1.7, -5.2),
    (-0.9, -5.5),
    (0, -5.7),
    (0.9, -5.5),
    (1.7, -5.2),
)
# The outline from the ear down: heights at which it is followed sideways, then, below the jaw's
# corner,
# ways round the jaw in degrees.
_SIDE_HEIGHTS = (0.0, -2.0, -4.0, -5.9)
_JAW_ANGLES = (66.0, 43.5, 18.0, 0.0)


@lru_cache(maxsize=1)
def inner_places() -> NDArray[np.float64]:
    """Return the fractional (row, column) on the grid of landmarks 17 to 67, (51, 2)."""
    grid = mean_grid()
    brow = [grid.locate(x, y) for x, y in zip(BROW_X, BROW_Y, strict=True)]
    left_brow = [_mirror(p) for p in brow[::-1]]
    nose = [grid.locate(x, y) for x, y in _NOSE]
    return np.array([*left_brow, *brow, *nose, *_eyes(), *_mouth()])


def _mirror(place: tuple[float, float]) -> tuple[float, float]:
    return place[0], mean_grid().shape[1] - 1 - place[1]


def _eyes() -> list[tuple[float, float]]:
    grid = mean_grid()
    top, low = grid.eye_row, grid.eye_row + EYE_SLIT - 1

    def at(share: float, row: int) -> tuple[float, float]:
        return row, grid.column(EYE_INNER + share * (EYE_OUTER - EYE_INNER), 0.0)

    inner, upper_in, upper_out, outer = at(0, top), at(0.33, top), at(0.68, top), at(1, top)
    lower_out, lower_in = at(0.7, low), at(0.35, low)
    right = [inner, upper_in, upper_out, outer, lower_out, lower_in]
    left = [outer, upper_out, upper_in, inner, lower_in, lower_out]
    return [_mirror(p) for p in left] + right


def _mouth() -> list[tuple[float, float]]:
    grid = mean_grid()
    top, low = grid.mouth_row, grid.mouth_row + MOUTH_SLIT - 1
    corner = grid.mouth_x

    def edge(x: float, row: int) -> tuple[float, float]:
        return row, grid.column(x, MOUTH_Y)

    outer = [grid.locate(x, MOUTH_Y + h) for x, h in zip(LIP_X[:3], LIP_UPPER[:3], strict=True)]
    under = [grid.locate(x, MOUTH_Y - h) for x, h in zip(LIP_X[:3], LIP_LOWER[:3], strict=True)]
    upper = [_mirror(outer[2]), _mirror(outer[1]), outer[0], outer[1], outer[2]]
    lower = [under[2], under[1], under[0], _mirror(under[1]), _mirror(under[2])]
    inner_top = [edge(x, top) for x in (-0.9, 0.0, 0.9)]
    inner_low = [edge(x, low) for x in (0.9, 0.0, -0.9)]
    left, right = edge(-corner, top), edge(corner, top)
    near = corner - 0.3
    return [left, *upper, right, *lower, edge(-near, top), *inner_top, edge(near, top), *inner_low]


def sample(values: Array, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate a grid (rows, columns, k) linearly at fractional `places` (n, 2) to (n, k)."""
    base = np.minimum(places.astype(int), np.array(values.shape[:2]) - 2)
    down, right = (places - base).T[..., None]
    r, c = base.T
    wide = values.astype(np.float64)
    top = wide[r, c] * (1 - right) + wide[r, c + 1] * right
    bottom = wide[r + 1, c] * (1 - right) + wide[r + 1, c + 1] * right
    return np.asarray(top * (1 - down) + bottom * down)


def project_landmarks(screen: Array, roll: float) -> NDArray[np.float64]:
    """Return the 68 landmarks (68, 2) in the picture.

    Landmarks 17 to 67 are fixed points of the surface. The outline (0 to 16) follows the edge that
    is seen: each of its points is the one, in its own area of the skin, that lies furthest out in
    the picture.

    Parameters
    ----------
    screen
        The skin's grid in the picture, (rows, columns, 2 or more).
    roll
        Degrees by which the head is turned clockwise in the picture.
    """
    flat = np.asarray(screen[..., :2])
    turn = np.deg2rad(roll)
    upright = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    areas, outward = _outline()
    points = sample(flat, areas.reshape(-1, 2)).reshape(areas.shape)
    reach = np.einsum("kni,ki->kn", points, outward @ upright)
    edge = points[np.arange(len(points)), reach.argmax(axis=1)]
    return np.concatenate([edge, sample(flat, inner_places())])


@lru_cache(maxsize=1)
def _outline() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places (17, n, 2) among which to seek each point of the outline, and its way out (17, 2)."""
    grid = mean_grid()
    columns = np.arange(grid.shape[1])

    def around(degrees: float) -> float:
        return float(np.interp(np.deg2rad(degrees), grid.angle, columns))

    areas, outward = [], []
    heights = grid.points[: grid.jaw_row, round(around(90)), 1]
    for height in _SIDE_HEIGHTS:
        row = float(np.argmin(np.abs(heights - height)))
        areas.append(_area((row, row), (around(35), around(90))))
        outward.append((1.0, 0.0))
    corner = (grid.mouth_row + MOUTH_SLIT, grid.jaw_row + 2)
    areas.append(_area(corner, (around(52), around(90))))
    outward.append((0.92, 0.39))
    for degrees in _JAW_ANGLES:
        angle = np.deg2rad(degrees)
        reach = (around(degrees - 24), around(min(degrees + 24, 90)))
        areas.append(_area((grid.jaw_row - 6, grid.jaw_row + 2), reach))
        outward.append((np.sin(angle) ** 2, np.cos(angle)))
    right, way = np.array(areas), np.array(outward)
    left = right[:-1] * (1, -1) + (0, grid.shape[1] - 1)
    return np.concatenate([left, right[::-1]]), np.concatenate([way[:-1] * (-1, 1), way[::-1]])


def _area(rows: tuple[float, float], columns: tuple[float, float]) -> NDArray[np.float64]:
    """Fine places (n, 2) over a part of the grid."""
    count = (1, 690) if rows[0] == rows[1] else (23, 30)
    down, across = np.meshgrid(
        np.linspace(*rows, count[0]), np.linspace(*columns, count[1]), indexing="ij"
    )
    return np.stack([down.ravel(), across.ravel()], axis=-1)
