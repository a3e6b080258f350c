"""Warps faces of one side towards the landmarks of the other side's.

The feed shows a face whose landmarks lie where another's do, the target shows the face as it is:
so the model learns to make a face from a shape that is not its own. The other's landmarks go
through the same turn, scale, shift and flip as the face, so that the feed still tells of them.

Relative landmarks are in parts of a face's edge, from 0 at its left and top to 1, so that those of
faces of different sizes compare.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import transform_points
from lib.data.faceset import FaceSet
from lib.data.warp import Sampler
from lib.errors import FaceswapError
from lib.printable import printable

if TYPE_CHECKING:
    from scipy.spatial import Delaunay

Floats = NDArray[np.float64]

NEAREST = 10
DEVIATION = 2 / 256
MIRRORED = np.array(
    [
        *range(16, -1, -1),  # jaw
        *range(26, 16, -1),  # brows
        *range(27, 31),  # bridge of the nose
        *range(35, 30, -1),  # nostrils
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),  # eyes
        *range(54, 47, -1),  # outer lips
        *range(59, 54, -1),
        *range(64, 59, -1),  # inner lips
        *range(67, 64, -1),
    ]
)
"""Which landmark of a face each landmark of its mirror image is."""

_JAW = 17
_SLIVER = 1e-6


def relative_landmarks(side: str, faces: FaceSet) -> Floats:
    """Landmarks of a side's faces.

    Parameters
    ----------
    side
        "a" or "b".
    faces
        ``n`` faces.

    Returns
    -------
    NDArray
        ``(n, 68, 2)`` in parts of the faces' edge.

    Raises
    ------
    FaceswapError
        Some of the faces have no landmarks.
    """
    without = np.flatnonzero(~faces.has_landmarks)
    if without.size:
        example = printable(faces.paths[without[0]])
        raise FaceswapError(
            f"--warp-to-landmarks needs landmarks: {without.size} of {len(faces)} faces of side "
            f"{side.upper()} have none, such as {example}; take those away or leave the option out"
        )
    return (faces.landmarks.astype(np.float64) + 0.5) / faces.size


@dataclass(frozen=True, eq=False)
class Pulls:
    """Random numbers for ``n`` faces.

    Attributes
    ----------
    partner
        ``(n,)`` which of the nearest faces each is warped towards, 0 for the nearest.
    jitter
        ``(n, 68, 2)`` how far from the partner's each landmark comes to lie, along x and y, in
        parts of a face's edge.
    """

    partner: NDArray[np.int64]
    jitter: Floats


class LandmarkWarp:
    """Makes maps for the feeds of one side's faces.

    Parameters
    ----------
    own
        ``(n, 68, 2)`` relative landmarks of the side's own faces.
    others
        ``(m, 68, 2)`` relative landmarks of the other side's faces; at least one.
    edge, window
        Edges of the side's own faces and of the trained window in pixels.
    sampler
        Of the feed.
    """

    def __init__(
        self, own: Floats, others: Floats, edge: int, window: int, sampler: Sampler
    ) -> None:
        self._edge = edge
        self._own = own * edge - 0.5
        # A face's mirror image is as far from another face as the face from the other's mirror
        # image; so the others are mirrored, and the face is flipped with all else by its transform.
        mirrored = others[:, MIRRORED] * (-1, 1) + (1, 0)
        self._others = others * edge - 0.5, mirrored * edge - 0.5
        self._nearest: dict[tuple[int, bool], NDArray[np.intp]] = {}
        self._middle, self._reach = (edge - 1) / 2, window / 2
        self._anchors = _border(self._middle + self._reach * np.array([-1.0, 0.0, 1.0]))
        line = sampler.matrix[0, 0] * np.arange(sampler.size) + sampler.matrix[0, 2]
        self._pixels = np.meshgrid(line, line)

    def draw(self, rng: np.random.Generator, count: int) -> Pulls:
        """Draw all that is random about ``count`` faces."""
        choices = min(NEAREST, len(self._others[0]))
        return Pulls(rng.integers(0, choices, count), rng.normal(0, DEVIATION, (count, 68, 2)))

    def maps(
        self,
        indices: NDArray[np.intp],
        flipped: NDArray[np.bool_],
        transforms: Floats,
        pulls: Pulls,
    ) -> Iterator[NDArray[np.float32]]:
        """Where the pixels of feeds lie in the faces.

        Parameters
        ----------
        indices
            ``(n,)`` which faces.
        flipped
            ``(n,)`` whether left and right change places.
        transforms
            ``(n, 2, 3)``, from `lib.data.warp.inverse_transforms`.
        pulls
            The same faces' pulls.

        Yields
        ------
        NDArray
            ``(2, size, size)`` x and y in pixels of the face. The window's border stays in place.
        """
        for row, transform in enumerate(transforms):
            index, flip = int(indices[row]), bool(flipped[row])
            goal = self._others[flip][self._nearest_of(index, flip)[pulls.partner[row]]]
            forward = np.asarray(cv2.invertAffineTransform(transform))
            starts = transform_points(self._own[index], forward)
            ends = transform_points(goal, forward) + pulls.jitter[row] * self._edge
            yield self._map(starts, ends, transform)

    def _nearest_of(self, index: int, flip: bool) -> NDArray[np.intp]:
        key = index, flip
        if key not in self._nearest:
            self._nearest[key] = nearest(self._own[index], self._others[flip])
        return self._nearest[key]

    def _map(self, starts: Floats, ends: Floats, transform: Floats) -> NDArray[np.float32]:
        """Triangles between the places of landmarks in the feed, each filled from the face."""
        from scipy.interpolate import LinearNDInterpolator  # a third of a second, for -M alone

        shown = (np.abs(ends - self._middle) < self._reach).all(axis=1)
        kept = off_the_face(starts, ends) & shown
        triangles, starts = unfolded(starts[kept], ends[kept], self._anchors)
        places = LinearNDInterpolator(triangles, transform_points(starts, transform))
        return np.ascontiguousarray(np.moveaxis(places(*self._pixels), -1, 0), np.float32)


def nearest(landmarks: Floats, others: Floats) -> NDArray[np.intp]:
    """Find the faces that are most like one.

    Parameters
    ----------
    landmarks
        ``(68, 2)``.
    others
        ``(m, 68, 2)``, in the same unit.

    Returns
    -------
    NDArray
        ``(10,)``, fewer where there are fewer: which of the others have the smallest mean distance
        over the landmarks, the nearest first.
    """
    away = others - landmarks
    distance = np.sqrt(away[..., 0] ** 2 + away[..., 1] ** 2).mean(axis=-1)
    return np.argsort(distance, kind="stable")[:NEAREST]


def off_the_face(starts: Floats, ends: Floats) -> NDArray[np.bool_]:
    """Which landmarks are of use: all but points of the jaw that lie on either face.

    Where a head is turned away, the far side of its jaw lies behind brows, nose and mouth, and
    means nothing for the pixels there. Such a point is one inside the convex hull of the landmarks
    17 to 67 of either face; it is of no use where that is so of its start or of its end.

    Parameters
    ----------
    starts, ends
        ``(68, 2)`` landmarks of both faces.

    Returns
    -------
    NDArray
        ``(68,)``.
    """
    useful = np.ones(len(starts), bool)
    for face in (starts, ends):
        hull = cv2.convexHull(face[_JAW:].astype(np.float32))
        for jaw in (starts[:_JAW], ends[:_JAW]):
            inside = [cv2.pointPolygonTest(hull, point, False) >= 0 for point in jaw.tolist()]
            useful[:_JAW] &= ~np.array(inside)
    return useful


def unfolded(starts: Floats, ends: Floats, anchors: Floats) -> "tuple[Delaunay, Floats]":
    """Triangulate the ends so that no triangle turns over on its way back to the starts.

    Chance can bring landmarks past each other, or an anchor, where they lie close: then a triangle
    would show its part of the face mirrored, and its neighbours would show that part again. As few
    landmarks as a greedy choice finds are left out, until there is no such triangle.

    Parameters
    ----------
    starts, ends
        ``(k, 2)`` places of landmarks.
    anchors
        ``(a, 2)`` places that do not move. The landmarks lie between them.

    Returns
    -------
    triangles : Delaunay
        Of the anchors, and the ends that are left.
    starts : NDArray
        ``(points of triangles, 2)``: the anchors, and the starts that are left.
    """
    from scipy.spatial import Delaunay

    while True:
        triangles = Delaunay(np.concatenate([anchors, ends]))
        sources = np.concatenate([anchors, starts])
        after, before = (_areas(p[triangles.simplices]) for p in (triangles.points, sources))
        # Flat triangles along the border hold no pixel.
        folded = triangles.simplices[(before <= 0) & (after > _SLIVER)]
        if not len(folded):
            return triangles, sources
        left = np.delete(np.arange(len(starts)), _most_shared(folded - len(anchors)))
        starts, ends = starts[left], ends[left]


def _most_shared(triangles: NDArray[np.integer]) -> list[int]:
    """Few points that together touch all triangles; corners below 0 don't count."""
    points: list[int] = []
    while len(triangles):
        point = int(np.bincount(triangles[triangles >= 0]).argmax())
        points.append(point)
        triangles = triangles[(triangles != point).all(axis=1)]
    return points


def _areas(corners: Floats) -> Floats:
    """Twice the areas of triangles, ``(n, 3, 2)``; negative where they turn the other way."""
    (x1, y1), (x2, y2) = (corners[:, side].T - corners[:, 0].T for side in (1, 2))
    return np.asarray(x1 * y2 - x2 * y1)


def _border(line: Floats) -> Floats:
    """The nodes on the border of a square grid, ``(n, 2)``."""
    x, y = np.meshgrid(line, line)
    outer = np.ones(x.shape, bool)
    outer[1:-1, 1:-1] = False
    return np.stack([x[outer], y[outer]], axis=-1)
