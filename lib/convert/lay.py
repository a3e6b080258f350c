"""Lays a face back into the frame from whose window it was made."""

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.convert.swap import Floats
from lib.convert.window import Matrix, samples, scale_of

_SHARPEST_FROM = 0.75
"""Pixels of the window for one of the frame above which Lanczos is worth its time over cubic."""


def lay(image: NDArray[np.uint8], face: Floats, mask: Floats, matrix: Matrix) -> None:
    """Blend a face into a frame, in place, at the accuracy of parts of a pixel.

    Parameters
    ----------
    image
        The frame, ``(height, width, 3)``. It changes where the mask is above 0, and only there.
    face
        ``(n, n, 3)``, BGR, 0..1.
    mask
        ``(n, n)``, how much of the face shows, 0..1; 0 at the window's border.
    matrix
        ``(2, 3)``, from pixels of the frame to pixels of the window.
    """
    x, y, width, height = _bounds(mask, matrix, image.shape)
    if width <= 0 or height <= 0:
        return
    fine = samples(scale_of(matrix))
    back = _refined(matrix, x, y, fine)
    size = (width * fine, height * fine)
    sharp = fine == 1 and scale_of(back) > _SHARPEST_FROM
    how = cv2.INTER_LANCZOS4 if sharp else cv2.INTER_CUBIC
    warped = _warp(face, back, size, how, cv2.BORDER_REPLICATE)
    shares = _warp(mask, back, size, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
    if fine > 1:
        warped, shares = (_shrunk(part, width, height) for part in (warped, shares))
    _blend(image[y : y + height, x : x + width], warped, shares)


def _bounds(mask: Floats, matrix: Matrix, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """x, y, width and height of the part of the frame that the mask can reach."""
    x, y, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
    if not width:
        return 0, 0, 0, 0
    corners = np.array(
        [[[x - 1, y - 1], [x + width, y - 1]], [[x - 1, y + height], [x + width, y + height]]],
        np.float64,
    )
    there = cv2.transform(corners, cv2.invertAffineTransform(matrix)).reshape(4, 2)
    low = np.maximum(np.floor(there.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(there.max(axis=0)).astype(int) + 1, (shape[1], shape[0]))
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def _refined(matrix: Matrix, x: int, y: int, fine: int) -> Matrix:
    """The matrix out of a frame that begins at x and y and has pixels cut into ``fine`` a side."""
    refined = matrix.copy()
    refined[:, 2] += matrix[:, :2] @ (x, y)
    refined[:, 2] -= refined[:, :2].sum(axis=1) * (fine - 1) / (2 * fine)
    refined[:, :2] /= fine
    return refined


def _warp(part: Floats, back: Matrix, size: tuple[int, int], how: int, border: int) -> Floats:
    flags = how | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(part, back, size, flags=flags, borderMode=border), np.float32)


def _shrunk(part: Floats, width: int, height: int) -> Floats:
    small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _blend(place: NDArray[np.uint8], face: Floats, shares: Floats) -> None:
    before = place.astype(np.float32)
    # Interpolation may overshoot.
    after = np.clip(face, 0, 1, out=face)
    after *= 255
    after -= before
    after *= shares[..., None]
    after += before
    place[:] = np.rint(after, out=after)
