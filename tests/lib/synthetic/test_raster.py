from __future__ import annotations

import numpy as np

from lib.synthetic.raster import rasterise


def test_coverage_and_weights_match_a_brute_force_scan() -> None:
    rng = np.random.default_rng(0)
    size = 40
    vertices = rng.uniform(-5, 45, (60, 3)).astype(np.float32)
    triangles = np.arange(60, dtype=np.int32).reshape(-1, 3)
    seen = rasterise(vertices, triangles, size)
    best = np.full(size * size, -np.inf)
    owner = np.full(size * size, -1)
    y, x = np.divmod(np.arange(size * size), size)
    pixels = np.stack([x, y, np.ones_like(x)])
    weights = np.zeros((size * size, 3))
    for k, corners in enumerate(vertices[triangles].astype(float)):
        plane = np.vstack([corners[:, :2].T, np.ones(3)])
        if np.linalg.det(plane) <= 0:
            continue
        w = np.linalg.solve(plane, pixels)
        z = corners[:, 2] @ w
        nearer = (w.min(axis=0) > 1e-6) & (z > best)
        best[nearer], owner[nearer], weights[nearer] = z[nearer], k, w.T[nearer]
    found = np.full(size * size, -1)
    found[seen.pixels] = seen.triangles
    assert (found == owner).mean() > 0.998
    same = found[seen.pixels] == owner[seen.pixels]
    got = np.stack([seen.second, seen.third], axis=1)[same]
    np.testing.assert_allclose(got, weights[seen.pixels][same][:, 1:], atol=2e-4)


def test_a_triangle_turned_away_or_outside_shows_nothing() -> None:
    corners = np.array(
        [[2, 2, 0], [2, 8, 0], [8, 2, 0], [50, 50, 0], [60, 50, 0], [50, 60, 0]], np.float32
    )
    seen = rasterise(corners, np.array([[0, 1, 2], [3, 4, 5]], np.int32), 10)
    assert len(seen.pixels) == 0


def test_neighbours_share_no_sample_and_leave_no_gap() -> None:
    square = np.array([[0, 0, 0], [8, 0, 0], [0, 8, 0], [8, 8, 0]], np.float32)
    whole = rasterise(square, np.array([[0, 1, 2], [1, 3, 2]], np.int32), 16)
    halves = [rasterise(square, np.array([t], np.int32), 16) for t in ([0, 1, 2], [1, 3, 2])]
    assert len(whole.pixels) == sum(len(h.pixels) for h in halves) == 8 * 9
