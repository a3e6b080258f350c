"""Masks stored with a face: unpacked with care, and laid into a crop.

A stored mask comes from another program by way of a file, so its length is bounded while it is
unpacked.  It reaches the crop in one warp: crop pixels, to frame pixels, to mask pixels.
"""

import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.align.header import StoredMask
from lib.errors import FaceswapError

_LEAST_CONDITION = 1e-6


def unpack(stored: StoredMask) -> NDArray[np.uint8]:
    """Pixels of a stored mask.

    Returns
    -------
    NDArray[np.uint8]
        ``(stored_size, stored_size)``, 0 to 255.

    Raises
    ------
    FaceswapError
        With a short reason, without the face's path: the bytes are damaged, or more or fewer than
        the mask has pixels.
    """
    count = stored.stored_size**2
    unpacker = zlib.decompressobj()
    try:
        # One byte more than is wanted tells a longer mask, and a few bytes can't fill the memory.
        pixels = unpacker.decompress(stored.mask, count + 1)
    except zlib.error:
        raise FaceswapError("has a stored mask whose bytes are damaged") from None
    if len(pixels) != count or not unpacker.eof:
        edge = stored.stored_size
        raise FaceswapError(f"has a stored mask that is not {edge} by {edge} bytes")
    return np.frombuffer(pixels, np.uint8).reshape(stored.stored_size, stored.stored_size)


def lay(stored: StoredMask, crop: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Lay a stored mask into a crop of its face.

    The mask's own interpolator is for the way back to the frame. Here a mask that is finer than the
    crop is averaged down to the crop's resolution first; the warp is linear, which keeps to the
    mask's range and makes nothing up beyond its square.

    Parameters
    ----------
    stored
        The mask.
    crop
        ``(2, 3)``, from pixels of the source frame to pixels of the crop.
    size
        Edge of the crop in pixels.

    Returns
    -------
    NDArray[np.uint8]
        ``(size, size)``, 0 to 255; 0 where the crop reaches beyond the mask's square.

    Raises
    ------
    FaceswapError
        With a short reason, without the face's path: as in `unpack`, or a matrix is singular.
    """
    mask, into_mask = unpack(stored), _from_crop(stored, crop)
    fineness = _area(into_mask) ** 0.5
    if fineness > 1:
        edge = max(1, round(stored.stored_size / fineness))
        mask = np.asarray(cv2.resize(mask, (edge, edge), interpolation=cv2.INTER_AREA), np.uint8)
        # Half a pixel leads from pixel middles to edges, where sizes are in proportion, and back.
        into_mask[:, 2] += 0.5
        into_mask *= edge / stored.stored_size
        into_mask[:, 2] -= 0.5
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(mask, into_mask, (size, size), flags=how, borderValue=0)
    return np.asarray(laid, np.uint8)


def _from_crop(stored: StoredMask, crop: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(2, 3)`` matrix from pixels of the crop to pixels of the mask."""
    into_frame = cv2.invertAffineTransform(crop)  # all zeros where it is singular
    affine = np.array(stored.affine_matrix, np.float64)
    into_mask: NDArray[np.float64] = affine @ np.vstack([into_frame, (0, 0, 1)])
    enough = _LEAST_CONDITION * float(np.square(into_mask[:, :2]).sum())
    if not _area(into_mask) > enough:
        raise FaceswapError("has a stored mask whose matrix is singular")
    return into_mask


def _area(matrix: NDArray[np.float64]) -> float:
    """How much a ``(2, 3)`` matrix enlarges areas: the size of its determinant."""
    (a, b, _), (c, d, _) = matrix.tolist()
    return abs(float(a * d - b * c))
