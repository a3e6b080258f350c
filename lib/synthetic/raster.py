"""A z-buffered triangle rasteriser for many small triangles, vectorised over their scan lines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib.synthetic.grid import Array

Indices = NDArray[np.int32]


class Samples(NamedTuple):
    """The nearest surface at every covered sample of a square picture.

    `pixels` (n,) are flat indices into the picture, `triangles` (n,) rows of the triangle list,
    `second` and `third` (n,) the barycentric weights of those corners.
    """

    pixels: Indices
    triangles: Indices
    second: Array
    third: Array


def rasterise(vertices: Array, triangles: Indices, size: int) -> Samples:
    """Find what each sample of a square picture sees.

    Parameters
    ----------
    vertices
        (v, 3): x and y in samples (sample i has its centre at i, y down) and nearness (larger hides
        smaller).
    triangles
        (t, 3) corners. A triangle shows only when its corners run clockwise on the screen.
    size
        Edge of the picture in samples.

    Returns
    -------
    Samples
        In no particular order.
    """
    x, y, near = np.ascontiguousarray(vertices.T)
    ax, bx, cx = (x[triangles[:, k]] for k in range(3))
    ay, by, cy = (y[triangles[:, k]] for k in range(3))
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    top = np.maximum(np.ceil(np.minimum(np.minimum(ay, by), cy)), 0)
    bottom = np.minimum(np.floor(np.maximum(np.maximum(ay, by), cy)), size - 1)
    shown = np.flatnonzero((area > 1e-6) & (bottom >= top)).astype(np.int32)
    rows = (bottom[shown] - top[shown]).astype(np.int32) + 1
    line = np.repeat(np.arange(len(shown), dtype=np.int32), rows)
    line_y = (_ramp(rows) + top[shown][line]).astype(np.float32)
    a, b, c = (np.stack(p, axis=1)[shown] for p in ((ax, ay), (bx, by), (cx, cy)))
    first, count = _spans((a, b, c), line, line_y, size)
    kept = count > 0
    line, line_y, first, count = line[kept], line_y[kept], first[kept], count[kept]
    return _resolve(
        (a, b, c), area[shown], near, triangles, shown, line, line_y, first, count, size
    )


def _ramp(counts: Indices) -> Indices:
    """0, 1, ... n-1 for every n of `counts`, joined."""
    ends = np.cumsum(counts, dtype=np.int32)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total, dtype=np.int32) - np.repeat(ends - counts, counts)


def _spans(
    corners: tuple[Array, Array, Array], line: Indices, y: Array, size: int
) -> tuple[Indices, Indices]:
    """First sample and number of samples of each scan line inside its triangle."""
    low = np.zeros(len(line), np.float32)
    high = np.full(len(line), size, np.float32)
    for p, q in zip(corners, corners[1:] + corners[:1], strict=True):
        dx, dy = (q - p).T
        slope = dx / np.where(dy == 0, 1, dy)
        cross = (p[:, 0] - slope * p[:, 1])[line] + slope[line] * y
        down = dy[line]
        high = np.where(down > 0, np.minimum(high, cross), high)
        low = np.where(down < 0, np.maximum(low, cross), low)
    first = np.ceil(low).astype(np.int32)
    return first, np.ceil(high).astype(np.int32) - first


def _resolve(
    corners: tuple[Array, Array, Array],
    area: Array,
    near: Array,
    triangles: Indices,
    shown: Indices,
    line: Indices,
    line_y: Array,
    first: Indices,
    count: Indices,
    size: int,
) -> Samples:
    """Walk the scan lines, keep the nearest sample of each pixel."""
    a, b, c = corners
    start = np.stack([first.astype(np.float32), line_y], axis=1)
    ab, ac, ap = (b - a)[line], (c - a)[line], start - a[line]
    scale = 1 / area[line]
    second = (ap[:, 0] * ac[:, 1] - ap[:, 1] * ac[:, 0]) * scale
    third = (ab[:, 0] * ap[:, 1] - ab[:, 1] * ap[:, 0]) * scale
    d_second, d_third = ac[:, 1] * scale, -ab[:, 1] * scale
    za, zb, zc = (near[triangles[shown, k]][line] for k in range(3))
    z = za + second * (zb - za) + third * (zc - za)
    dz = d_second * (zb - za) + d_third * (zc - za)
    step = _ramp(count)
    span = np.repeat(np.arange(len(line), dtype=np.int32), count)
    pixel = (line_y.astype(np.int32) * size + first)[span] + step
    depth = (z[span] + dz[span] * step) * np.float32(4096)
    key = (depth.astype(np.int64) << 32) | np.arange(len(span))
    best = np.full(size * size, np.iinfo(np.int64).min)
    np.maximum.at(best, pixel, key)
    covered = np.flatnonzero(best != np.iinfo(np.int64).min).astype(np.int32)
    winner = (best[covered] & 0xFFFFFFFF).astype(np.int32)
    span, step = span[winner], step[winner]
    return Samples(
        covered,
        shown[line[span]],
        second[span] + d_second[span] * step,
        third[span] + d_third[span] * step,
    )
