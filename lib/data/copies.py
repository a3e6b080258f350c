"""Copies of faces, smaller or finer, that outputs are sampled from."""

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.data.kernels import kernels

Pixels = NDArray[np.uint8]
Box = tuple[slice, slice]


class Copies:
    """Copies of one face after another, made smaller or finer as samplers want them.

    Holds buffers: each thread needs its own.

    Parameters
    ----------
    edge
        Edge of the faces in pixels.

    Attributes
    ----------
    edge
        As given.
    """

    def __init__(self, edge: int) -> None:
        self.edge = edge
        self._fine: dict[int, Pixels] = {}
        self._pictures: dict[int, Pixels] = {}
        self._masks: dict[int, Pixels] = {}
        self._doubled: dict[int, Pixels] = {}
        self._buffers: dict[int, Pixels] = {}
        self._marked = np.zeros((2, 4), np.int64)
        self._pairs = np.zeros((2, edge + edge % 2 + 6), np.uint32)

    def show(self, picture: Pixels, masks: Pixels, box: Box) -> None:
        """Take up another face.

        Parameters
        ----------
        picture
            ``(edge, edge, 4)``, blue first; the last byte becomes the face mask's.
        masks
            ``(edge, edge, 3)``: face, eyes and mouth.
        box
            Rows and columns that samples depend on.
        """
        rows, columns = box
        self._ends = rows.start, rows.stop, columns.start, columns.stop
        flat = masks.reshape(self.edge, -1)
        kernels().mark(picture.view(np.uint32)[..., 0], flat, self._ends, self._marked)
        self._pictures, self._masks = {1: picture}, {1: masks}
        self._doubled = {}

    def picture(self, times: int, is_doubled: bool) -> Pixels:
        """The picture so many times smaller, and then, if wanted, twice as fine."""
        if times not in self._pictures:
            self._pictures[times] = _reduce(self._pictures[1], times)
        if not is_doubled:
            return self._pictures[times]
        if times not in self._doubled:
            self._doubled[times] = self._double(times)
        return self._doubled[times]

    def masks(self, times: int) -> tuple[Pixels, NDArray[np.int64]]:
        """The masks so many times smaller, three bytes a pixel, and where eyes and mouth are.

        The second is ``(2, 4)``: first row, row after the last, and the like for columns. Outside
        there is none of them; the end of what is not seen lies before its beginning.
        """
        if times not in self._masks:
            self._masks[times] = _reduce(self._masks[1], times)
        masks = self._masks[times]
        found = self._marked // times
        found[:, 1::2] = -(-self._marked[:, 1::2] // times)
        return masks.reshape(len(masks), -1), found

    def buffer(self, size: int) -> Pixels:
        """Room for a picture; new memory would cost as much as what is done with it."""
        if size not in self._buffers:
            self._buffers[size] = np.zeros((size, size, 4), np.uint8)
        return self._buffers[size]

    def _double(self, times: int) -> Pixels:
        picture = self._pictures[times]
        edge = len(picture)
        if times not in self._fine:
            self._fine[times] = np.zeros((2 * edge, 2 * (edge + 1), 4), np.uint8)
        fine = self._fine[times]
        box = self._ends if times == 1 else (0, edge, 0, edge)
        kernels().double(
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
