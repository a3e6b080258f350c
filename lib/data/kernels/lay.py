"""Lays the masks of a moved face beside its picture."""

import numpy as np

from lib.data.kernels.jit import jit

F = np.float32
_REACH = 1.0  # pixels about a mask that a sample takes some of it from
_FAR = 1e6


@jit
def _open(first, end, edge):
    """Middle and reach of a span; where it touches the face's edge, it goes on beyond."""
    low = first - (_REACH if first > 0 else _FAR)
    high = end - 1 + (_REACH if end < edge else _FAR)
    return (low + high) / 2, (high - low) / 2


@jit
def _span(middle, reach, size):
    first, end = np.floor(middle - reach), np.ceil(middle + reach) + 1
    return int(min(max(first, 0), size)), int(min(max(end, 0), size))


@jit
def _seen(box, places, edge, size):
    """Rows and columns of the output that show a part of the face."""
    y, tall = _open(box[0], box[1], edge)
    x, wide = _open(box[2], box[3], edge)
    (a, b, c), (d, e, f) = places
    area, x, y = a * e - b * d, x - c, y - f  # negative in a mirror
    rows = _span((a * y - d * x) / area, (abs(a) * tall + abs(d) * wide) / abs(area), size)
    columns = _span((e * x - b * y) / area, (abs(e) * wide + abs(b) * tall) / abs(area), size)
    return rows, columns


@jit
def _at(masks, which, x, y):
    """A mask between pixels; beyond the edge, the edge is repeated."""
    last = masks.shape[0] - 1
    x, y = min(max(x, F(0)), F(last)), min(max(y, F(0)), F(last))
    left, top = int(x), int(y)
    x, y = x - F(left), y - F(top)
    upper, lower = masks[top], masks[min(top + 1, last)]
    left, right = 3 * left + which, 3 * min(left + 1, last) + which
    one = F(upper[left]) + x * (F(upper[right]) - F(upper[left]))
    other = F(lower[left]) + x * (F(lower[right]) - F(lower[left]))
    return np.uint16(one + y * (other - one) + F(0.5))


@jit(cache=True)
def lay(picture, masks, found, places, result):
    """Join a moved face, with its face mask, and the eyes' and the mouth's.

    Parameters
    ----------
    picture
        ``(size, size)`` pixels of four bytes: blue, green, red and the face mask.
    masks
        ``(edge, 3 edge)`` bytes of the face as it was: another, eyes and mouth.
    found
        ``(2, 4)`` where the eyes, and the mouth, lie in that: first row, row after the last, and
        the like for columns.
    places
        ``(2, 3)`` from pixels of the result to those of the masks.
    result
        ``(size, 3 size)`` pairs of bytes: blue, green, red, face, eyes and mouth.
    """
    size, edge = picture.shape[0], masks.shape[0]
    for y in range(size):
        source, row = picture[y], result[y]
        for x in range(size):
            row[3 * x] = source[x]
            row[3 * x + 1] = source[x] >> 16
            row[3 * x + 2] = 0
    (a, b, c), (d, e, f) = places.astype(np.float32)
    for which in range(2):
        if found[which, 0] >= found[which, 1]:
            continue
        rows, columns = _seen(found[which], places, edge, size)
        for y in range(rows[0], rows[1]):
            from_x, from_y, row = b * F(y) + c, e * F(y) + f, result[y]
            for x in range(columns[0], columns[1]):
                value = _at(masks, which + 1, from_x + a * F(x), from_y + d * F(x))
                row[3 * x + 2] |= value << (8 * which)
