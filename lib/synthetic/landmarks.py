"""The 68 landmarks (iBUG order) as places on the grid, and where an expression and a pose put them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lib.synthetic.grid import EYE_INNER, EYE_OUTER, EYE_SLIT, MOUTH_SLIT, MOUTH_Y, Array, mean_grid

# Canonical brow ridge (inner to outer end) and the lips' outer borders over the lip line, in head units.
BROW_X = (1.45, 2.8, 4.2, 5.5, 6.5)
BROW_Y = (2.0, 2.5, 2.75, 2.45, 1.65)
LIP_X = (0.0, 0.85, 2.0, 3.05)
LIP_UPPER = (0.66, 0.86, 0.55, 0.0)
LIP_LOWER = (1.22, 1.12, 0.72, 0.0)
_NOSE = ((0, 0.2), (0, -1.25), (0, -2.7), (0, -4.2), (-1.7, -5.2), (-0.9, -5.5), (0, -5.7), (0.9, -5.5), (1.7, -5.2))
# Heights (canonical) at which the outline is followed, from the ear to beside the chin.
_OUTLINE = 8


@lru_cache(maxsize=1)
def inner_places() -> NDArray[np.float64]:
    """Fractional (row, column) on the grid of landmarks 17 to 67, (51, 2)."""
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
    """Values (n, k) of a grid (rows, columns, k) at fractional `places` (n, 2), linear between vertices."""
    base = np.minimum(places.astype(int), np.array(values.shape[:2]) - 2)
    down, right = (places - base).T[..., None]
    r, c = base.T
    wide = values.astype(np.float64)
    top = wide[r, c] * (1 - right) + wide[r, c + 1] * right
    bottom = wide[r + 1, c] * (1 - right) + wide[r + 1, c + 1] * right
    return np.asarray(top * (1 - down) + bottom * down)


@lru_cache(maxsize=1)
def outline_rows() -> NDArray[np.intp]:
    """Grid rows whose visible ends are landmarks 0 to 7 and 9 to 16."""
    grid = mean_grid()
    return np.linspace(grid.eye_row, grid.jaw_row, _OUTLINE).astype(int)


def project_landmarks(screen: Array) -> NDArray[np.float64]:
    """The 68 landmarks (68, 2) in the picture.

    Landmarks 17 to 67 are fixed points of the surface. The outline (0 to 16) follows the edge that is seen.

    Parameters
    ----------
    screen
        The skin's grid in the picture, (rows, columns, 2 or more).
    """
    flat = screen[..., :2]
    return np.concatenate([_outline(flat), sample(flat, inner_places())])


def _outline(flat: Array) -> NDArray[np.float64]:
    raise NotImplementedError
