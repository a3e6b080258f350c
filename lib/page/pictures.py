"""Pictures of the newest preview, made in memory from the faces that the run left."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.errors import FaceswapError
from lib.media.mark import encode_picture
from lib.page.feed import Feed

Side = Literal["a", "b"]
Kind = Literal["originals", "same", "swapped"]
Size = Literal["small", "whole"]

SMALL = 160
"""Edge in pixels of the pictures in the grid."""
_QUALITY = 92
_RED, _DEPTH = (40, 40, 230), 0.45


class Pictures:
    """Encodes faces of the newest preview when they are asked for, once for all viewers.

    Parameters
    ----------
    feed
        Where the faces come from.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._made: dict[tuple[str, int, str, str], bytes] = {}
        self._version = 0

    def face(self, side: Side, index: int, kind: Kind, size: Size) -> bytes:
        """A face as a JPEG with the mark of synthetic media.

        Raises
        ------
        FaceswapError
            The preview has no such face.
        """
        key = (side, index, kind, size)
        made = self._cache()
        if key not in made:
            face = self._pixels(side, index, kind)
            made[key] = encode_picture(_shrunk(face, size), ".jpg", _QUALITY)
        return made[key]

    def mask(self, side: Side, index: int) -> bytes:
        """Red over what the mask leaves out, as a PNG to be laid over a face.

        Raises
        ------
        FaceswapError
            The preview has no such face.
        """
        key = (side, index, "masks", "whole")
        made = self._cache()
        if key not in made:
            made[key] = _tint(self._pixels(side, index, "masks"))
        return made[key]

    def _cache(self) -> dict[tuple[str, int, str, str], bytes]:
        if self._version != self._feed.preview_version:
            self._version, self._made = self._feed.preview_version, {}
        return self._made

    def _pixels(self, side: str, index: int, kind: str) -> NDArray[np.uint8]:
        faces = self._feed.faces.get(side)
        if faces is None or not 0 <= index < len(faces.originals):
            raise FaceswapError(f"the preview has no face {index} of side {side}: reload the page")
        pixels: NDArray[np.uint8] = getattr(faces, kind)[index]
        return pixels


def _shrunk(face: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    if size == "whole" or len(face) <= SMALL:
        return face
    return np.asarray(cv2.resize(face, (SMALL, SMALL), interpolation=cv2.INTER_AREA), np.uint8)


def _tint(mask: NDArray[np.uint8]) -> bytes:
    tint = np.empty((*mask.shape, 4), np.uint8)
    tint[..., :3] = _RED
    tint[..., 3] = np.rint((255 - mask.astype(np.float32)) * _DEPTH)
    return cv2.imencode(".png", tint)[1].tobytes()
