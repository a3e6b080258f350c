"""Puts the face mask into the pixels of its picture, and finds where the other masks lie."""

import numpy as np

from lib.data.kernels.jit import jit

U = np.uint32


@jit
def _span(row, plane):
    """First place of a row of three planes where one of them is set, and the place after."""
    first, end = 0, row.shape[0] // 3
    while row[3 * first + plane] == 0:
        first += 1
    while row[3 * end - 3 + plane] == 0:
        end -= 1
    return first, end


@jit
def _grow(found, y, left, first, end):
    found[0], found[1] = min(found[0], y), y + 1
    found[2], found[3] = min(found[2], left + first), max(found[3], left + end)


@jit(cache=True)
def mark(picture, masks, box, found):
    """Join a picture and its face mask.

    Parameters
    ----------
    picture
        ``(edge, edge)`` pixels of four bytes, of which the last becomes the face mask's.
    masks
        ``(edge, 3 edge)`` bytes: face, eyes and mouth of each pixel in turn.
    box
        First row, row after the last, and the like for columns: nothing beyond is done or seen.
    found
        ``(2, 4)`` becomes the least boxes that hold all that is set of the eyes and of the mouth,
        each in the manner of `box`; where there is none, the end lies before the beginning.
    """
    top, bottom, left, right = box
    for which in range(2):
        found[which, 0], found[which, 1] = bottom, top
        found[which, 2], found[which, 3] = right, left
    for y in range(top, bottom):
        source, row = masks[y, 3 * left : 3 * right], picture[y, left:right]
        eyes, mouth = U(0), U(0)
        for x in range(right - left):
            row[x] = row[x] & U(0x00FF_FFFF) | U(source[3 * x]) << U(24)
            eyes |= U(source[3 * x + 1])
            mouth |= U(source[3 * x + 2])
        if eyes:
            _grow(found[0], y, left, *_span(source, 1))
        if mouth:
            _grow(found[1], y, left, *_span(source, 2))
