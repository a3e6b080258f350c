"""From 68 landmarks to the crop of a face.

A crop is defined by a similarity transform that lays the landmarks on a mean face ('legacy'
centring), moved so that a point inside the head, found from the pose, comes to lie in the middle
('face' and 'head' centring).  Pixel coordinates are those of OpenCV: whole numbers are the
middles of pixels.
"""

from dataclasses import dataclass
from functools import cached_property
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.align.tables import (
    CAMERA,
    CENTRE_OFFSET,
    CORE_68,
    MEAN_FACE_51,
    MEAN_HEAD_26,
    PADDING_RATIO,
)
from lib.errors import FaceswapError


def umeyama(source: NDArray[np.float64], destination: NDArray[np.float64]) -> NDArray[np.float64]:
    """Similarity transform that takes one set of points nearest to another.

    Parameters
    ----------
    source, destination
        ``(n, 2)`` matching points.

    Returns
    -------
    NDArray[np.float64]
        ``(2, 3)``: rotation times scale, and translation; never a reflection.

    Raises
    ------
    ValueError
        The source points all coincide.

    References
    ----------
    S. Umeyama, 1991, "Least-squares estimation of transformation parameters between two point
    patterns", IEEE Trans. PAMI 13(4), equations 40 to 42.
    """
    source_mean, destination_mean = source.mean(axis=0), destination.mean(axis=0)
    source_centred = source - source_mean
    variance = float(np.square(source_centred).sum(axis=1).mean())
    if variance <= 0:
        raise ValueError("the source points all coincide")
    covariance = (destination - destination_mean).T @ source_centred / len(source)
    u, singular, vt = np.linalg.svd(covariance)
    signs = np.array([1.0, 1.0 if np.linalg.det(u @ vt) > 0 else -1.0])
    linear = (u * signs) @ vt * ((singular * signs).sum() / variance)
    return np.column_stack([linear, destination_mean - linear @ source_mean])


def transform_points(
    points: NDArray[np.float64], matrix: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Apply a ``(2, 3)`` affine matrix to ``(n, 2)`` points."""
    return points @ matrix[:, :2].T + matrix[:, 2]


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where a face lies in a picture, and how to cut it out.

    Attributes
    ----------
    landmarks
        ``(68, 2)`` points in iBUG order, x then y, in pixels of the source picture.
    """

    landmarks: NDArray[np.float64]

    def matrix(self, size: int, centring: str, coverage: float = 1.0) -> NDArray[np.float64]:
        """Affine transform from the source picture to a crop.

        Parameters
        ----------
        size
            Edge of the crop in pixels.
        centring
            'legacy', 'face' or 'head'.
        coverage
            Part of the full crop's edge that this crop shows, above 0.

        Returns
        -------
        NDArray[np.float64]
            ``(2, 3)`` matrix, source pixels to crop pixels, as `cv2.warpAffine` takes it.

        Raises
        ------
        FaceswapError
            The landmarks form no face.
        """
        padding = round(size * (PADDING_RATIO[centring] + coverage - 1) / (2 * coverage))
        matrix = self._legacy_matrix.copy()
        matrix[:, 2] -= self.offset(centring)
        matrix *= size - 2 * padding
        matrix[:, 2] += padding
        return matrix

    def offset(self, centring: str) -> NDArray[np.float64]:
        """``(2,)`` way from the legacy crop's middle to this centring's, in unit squares.

        Raises
        ------
        FaceswapError
            The landmarks form no face.
        """
        return self._offsets[centring]

    @cached_property
    def _legacy_matrix(self) -> NDArray[np.float64]:
        inner = self.landmarks[17:]
        if np.ptp(inner, axis=0).max() < 1:
            raise FaceswapError("has landmarks that all lie within one pixel")
        return umeyama(inner, MEAN_FACE_51)

    @cached_property
    def _offsets(self) -> dict[str, NDArray[np.float64]]:
        """The projections of `CENTRE_OFFSET` at the pose that fits the landmarks best."""
        core = transform_points(self.landmarks[list(CORE_68)], self._legacy_matrix)
        offsets = {"legacy": np.zeros(2)}
        try:
            found, rotation, translation = cv2.solvePnP(
                MEAN_HEAD_26, core, CAMERA, None, flags=cv2.SOLVEPNP_ITERATIVE
            )
            for centring in ("face", "head"):
                centre, _ = cv2.projectPoints(
                    CENTRE_OFFSET[centring], rotation, translation, CAMERA, None
                )
                offsets[centring] = centre.reshape(2).astype(np.float64) - 0.5
        except cv2.error:
            found = False
        if not found or not np.isfinite(list(offsets.values())).all():
            raise FaceswapError("has landmarks that fit no head")
        return offsets


def sub_crop(
    alignment: Alignment, stored_size: int, stored_centring: str, centring: str
) -> tuple[int, int, int]:
    """Window of another centring inside a stored crop.

    Parameters
    ----------
    alignment
        The face's alignment.
    stored_size, stored_centring
        Edge in pixels and centring of the crop at hand, which shows its full coverage.
    centring
        The centring wanted.

    Returns
    -------
    tuple[int, int, int]
        x and y of the window's top-left pixel and its edge, in pixels of the stored crop. The
        window may reach outside the crop; what lies there is black.

    Raises
    ------
    FaceswapError
        The landmarks form no face.
    """
    if centring == stored_centring:
        return 0, 0, stored_size
    core_edge = stored_size * (1 - PADDING_RATIO[stored_centring])
    core = 2 * round(core_edge / 2)
    edge = 2 * round(core_edge / (1 - PADDING_RATIO[centring]) / 2)
    shift = alignment.offset(centring) - alignment.offset(stored_centring)
    x, y = (round(float(corner)) for corner in shift * core + (stored_size - edge) / 2)
    return x, y, edge


def window_edge(size: int, coverage: float) -> int:
    """Edge in pixels, always even, of the trained window in a crop of edge ``size``."""
    return int(size * coverage // 2) * 2


def face_edge(window: int, coverage: float) -> int:
    """Smallest even edge of a crop whose `window_edge` is at least ``window`` pixels.

    Parameters
    ----------
    window
        Edge of the window in pixels, at least 1.
    coverage
        Part of the crop's edge that the window spans, above 0 and up to 1.
    """
    edge = max(2, 2 * ceil(window / coverage / 2) - 2)
    while window_edge(edge, coverage) < window:
        edge += 2
    return edge
