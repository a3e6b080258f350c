"""Frames before and after, side by side."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.printable import printable

Pixels = NDArray[np.uint8]

_COLUMNS = 3
_EDGE = 400
_GAP, _HEADING = 8, 24
_PAPER, _INK = 40, (235, 235, 235)


def before_and_after(pairs: Sequence[tuple[str, Pixels, Pixels]]) -> Pixels:
    """Draw frames beside what they have become, three pairs in a row.

    Parameters
    ----------
    pairs
        Name, frame and converted frame, ``(height, width, 3)``, BGR; at least one. All are drawn
        into cells of one size, that of the first one, at most 400 pixels wide.

    Returns
    -------
    Pixels
        ``(height, width, 3)``, BGR.
    """
    height, width = pairs[0][1].shape[:2]
    scale = min(1.0, _EDGE / width)
    cell = (max(1, round(width * scale)), max(1, round(height * scale)))
    blocks = [_block(*pair, cell) for pair in pairs]
    blank = np.full_like(blocks[0], _PAPER)
    rows = [blocks[at : at + _COLUMNS] for at in range(0, len(blocks), _COLUMNS)]
    columns = min(_COLUMNS, len(blocks))
    filled = [[*row, *[blank] * (columns - len(row))] for row in rows]
    return np.concatenate([np.concatenate(row, axis=1) for row in filled])


def _block(name: str, before: Pixels, after: Pixels, cell: tuple[int, int]) -> Pixels:
    small = [cv2.resize(each, cell, interpolation=cv2.INTER_AREA) for each in (before, after)]
    pair = np.concatenate(small, axis=1)
    block = np.full((len(pair) + _HEADING, pair.shape[1] + _GAP, 3), _PAPER, np.uint8)
    block[_HEADING:, : pair.shape[1]] = pair
    place = (4, _HEADING - 8)
    cv2.putText(block, printable(name), place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
    return block
