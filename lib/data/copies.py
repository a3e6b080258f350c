"""Copies of faces, smaller or finer, that outputs are sampled from."""

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.data.kernels.double import double

Pixels = NDArray[np.uint8]
Box = tuple[slice, slice]


class Copies:
    """Copies of one face after another, made smaller or finer as samplers want them.

    Holds buffers: each thread needs its own.

    Parameters
    ----------
    edge
        Edge of the faces in pixels.
    """

    def __init__(self, edge: int) -> None:
        self._edge = edge
        self._fine: dict[int, Pixels] = {}
        self._buffers: dict[tuple[int, str], Pixels] = {}
        self._pairs = np.zeros((2, edge + edge % 2 + 6), np.uint32)

    def show(self, picture: Pixels, masks: Pixels, box: Box) -> None:
        """Take up another face.

        Parameters
        ----------
        picture
            ``(edge, edge, 4)``, blue first, the last byte of no meaning.
        masks
            ``(edge, edge, 3)``.
        box
            Rows and columns that samples depend on.
        """
        whole = self.buffer(self._edge, "face")
        # To read them in a row first is faster than to fetch them as they are sampled.
        cv2.cvtColor(masks[box], cv2.COLOR_BGR2BGRA, dst=whole[box])
        self._pictures, self._masks, self._box = {1: picture}, {1: whole}, box
        self._doubled: dict[int, Pixels] = {}

    def picture(self, times: int, is_doubled: bool) -> Pixels:
        """The picture so many times smaller, and then, if wanted, twice as fine."""
        if times not in self._pictures:
            self._pictures[times] = _reduce(self._pictures[1], times)
        if not is_doubled:
            return self._pictures[times]
        if times not in self._doubled:
            self._doubled[times] = self._double(times)
        return self._doubled[times]

    def masks(self, times: int) -> Pixels:
        """The masks so many times smaller."""
        if times not in self._masks:
            self._masks[times] = _reduce(self._masks[1], times)
        return self._masks[times]

    def buffer(self, size: int, name: str) -> Pixels:
        """Room for ``(size, size, 4)``; new memory would cost as much as what is done with it."""
        key = size, name
        if key not in self._buffers:
            self._buffers[key] = np.zeros((size, size, 4), np.uint8)
        return self._buffers[key]

    def _double(self, times: int) -> Pixels:
        picture = self._pictures[times]
        edge = len(picture)
        if times not in self._fine:
            self._fine[times] = np.zeros((2 * edge, 2 * (edge + 1), 4), np.uint8)
        fine = self._fine[times]
        rows, columns = self._box
        box = rows.start, rows.stop, columns.start, columns.stop
        if times > 1:
            box = 0, edge, 0, edge
        double(
            picture.view(np.uint32)[..., 0],
            box,
            self._pairs,
            fine.reshape(2 * edge, -1).view(np.uint64),
        )
        # Half a pixel beyond the last, there is nothing to show.
        return fine[: 2 * edge - 1, : 2 * edge - 1]


def _reduce(pixels: Pixels, times: int) -> Pixels:
    # Where the edge is no multiple, the last column and row would make every pixel a little larger.
    missing = -pixels.shape[0] % times
    whole = cv2.copyMakeBorder(pixels, 0, missing, 0, missing, cv2.BORDER_REPLICATE)
    edge = whole.shape[0] // times
    return np.asarray(cv2.resize(whole, (edge, edge), interpolation=cv2.INTER_AREA), np.uint8)
