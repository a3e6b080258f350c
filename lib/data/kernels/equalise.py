"""Contrast-limited adaptive equalisation of a face's lightness (CLAHE).

K. Zuiderveld, 1994, "Contrast limited adaptive histogram equalization", Graphics Gems IV. A face is
cut into tiles, and where their number does not divide its edge, it is continued by reflection at
the right and at the bottom. Each tile has a curve; between the middles of tiles the curves blend.
"""

import numpy as np

from lib.data.kernels.jit import jit

LEVELS = 256


@jit(cache=True)
def lightness(face, shares, table, result):
    """L of every pixel in 8 bits.

    Parameters
    ----------
    face
        ``(edge, 3 edge)`` bytes.
    shares
        ``(3, 256)`` what each value of blue, green and red adds to the luminance.
    table
        L of each sum of those.
    result
        ``(edge, edge)`` bytes.
    """
    height, width = result.shape
    for y in range(height):
        source, row = face[y], result[y]
        for x in range(width):
            blue, green, red = source[3 * x], source[3 * x + 1], source[3 * x + 2]
            row[x] = table[shares[0, blue] + shares[1, green] + shares[2, red]]


@jit
def _count(plane, top, left, tile, histogram):
    edge = plane.shape[0]
    for y in range(top, top + tile):
        row = plane[y if y < edge else 2 * (edge - 1) - y]
        for x in range(left, min(left + tile, edge)):
            histogram[row[x]] += 1
        for x in range(max(left, edge), left + tile):
            histogram[row[2 * (edge - 1) - x]] += 1


@jit
def _clip(histogram, most):
    """Cut what is frequent, and hand it out again: evenly, and the rest in even steps."""
    excess = 0
    for level in range(LEVELS):
        over = max(histogram[level] - most, 0)
        histogram[level] -= over
        excess += over
    for level in range(LEVELS):
        histogram[level] += excess // LEVELS
    rest = excess % LEVELS
    for step in range(rest):
        histogram[step * max(LEVELS // rest, 1)] += 1


@jit(cache=True)
def curves(plane, tiles, limit, result):
    """The curve of each tile.

    Parameters
    ----------
    plane
        ``(edge, edge)`` bytes.
    tiles
        Along the edge.
    limit
        The most that a level may count, in shares of what it counts where all are as frequent.
    result
        ``(tiles, tiles, 256)`` where each level comes to lie, 0 to 255.
    """
    tile = (plane.shape[0] + tiles - 1) // tiles
    scale = np.float32(255 / (tile * tile))
    histogram = np.empty(LEVELS, np.int64)
    for row in range(tiles):
        for column in range(tiles):
            histogram[:] = 0
            _count(plane, row * tile, column * tile, tile, histogram)
            _clip(histogram, max(int(limit * tile * tile / LEVELS), 1))
            total = 0
            for level in range(LEVELS):
                total += histogram[level]
                result[row, column, level] = np.float32(total) * scale


@jit(cache=True)
def blend(plane, curves, tile, box, mixed, result):
    """Equalised lightness in a box.

    Parameters
    ----------
    plane
        ``(edge, edge)`` bytes.
    curves
        ``(tiles, tiles, 256)``, from `curves`.
    tile
        Edge of a tile in pixels.
    box
        First row, row after the last, and the like for columns.
    mixed
        ``(256 tiles,)``, for use in here.
    result
        ``(edge, edge)``, 0 to 255; set in the box alone.
    """
    top, bottom, left, right = box
    last, width = curves.shape[0] - 1, right - left
    before, after = np.empty(width, np.uint32), np.empty(width, np.uint32)
    weights = np.empty(width, np.float32)
    for x in range(width):
        place = (left + x) / tile + 0.5
        first = int(place)
        before[x], after[x] = LEVELS * max(first - 1, 0), LEVELS * min(first, last)
        weights[x] = place - first
    for y in range(top, bottom):
        place = y / tile + 0.5
        first = int(place)
        upper, lower = curves[max(first - 1, 0)], curves[min(first, last)]
        upper, lower, weight = upper.reshape(-1), lower.reshape(-1), np.float32(place - first)
        for level in range(mixed.shape[0]):
            mixed[level] = upper[level] + (lower[level] - upper[level]) * weight
        row, levels = result[y, left:right], plane[y, left:right]
        for x in range(width):
            one, other = mixed[before[x] + levels[x]], mixed[after[x] + levels[x]]
            row[x] = one + (other - one) * weights[x]
