"""Makes a picture twice as fine, so that sampling it linearly is as good as a longer kernel.

The values in between come from six neighbours in a row, weighted (1, -5, 20, 20, -5, 1) / 32: the
filter for half samples of ITU-T H.264, 8.4.2.2.1. The pixels that there are stay as they are.
The last byte of each pixel is a mask's: in between lies the mean of two, which cannot overshoot.

Four values of 16 bits share one word of 64, so that the processor takes many at a time: Numba has
no smaller whole numbers to reckon with.
"""

import numpy as np

from lib.data.kernels.jit import jit

U = np.uint64


def _each(value: int) -> np.uint64:
    """A word that holds a value four times."""
    return U(value * 0x0001_0001_0001_0001)


_BYTES = _each(0xFF)
_OFFSET = 82  # keeps what comes out positive: at the least it is -80
_ROUND = _each((16 + 32 * _OFFSET) // 5)  # a whole number, above the most of `far`
_SUM = _each(0x07FF)
_SIGN, _TO_SIGN, _MAGNITUDE = _each(0x8000), _each(0x8000 - _OFFSET), _each(0x7FFF)
_OVER = _each(0x100)
_COLOURS = U(0x00FF_FFFF_00FF_FFFF)
_BUT_LAST_BITS = U(0xFEFE_FEFE_FEFE_FEFE)
_AFTER = 3  # rows that a row in between depends on below
_LOW, _HIGH = U(0xFFFF_FFFF), U(0xFFFF_FFFF_0000_0000)


@jit
def _between(a, b, c, d, e, f):
    """The filter on four values, each clipped to 0..255."""
    near, far = c + d, b + e
    fifth = (near << U(2)) + _ROUND - far
    total = (fifth << U(2)) + fifth + (a + f)
    value = ((total >> U(5)) & _SUM) + _TO_SIGN
    sign = value & _SIGN
    value &= _MAGNITUDE & ((sign << U(1)) - (sign >> U(15)))
    over = value & _OVER
    return (value | (over - (over >> U(8)))) & _BYTES


@jit
def _odd(word):
    return word >> U(8) & _BYTES


@jit
def _middle(a, b, c, d, e, f):
    """The filter on two pixels; the mean of their masks."""
    even = _between(a & _BYTES, b & _BYTES, c & _BYTES, d & _BYTES, e & _BYTES, f & _BYTES)
    odd = _between(_odd(a), _odd(b), _odd(c), _odd(d), _odd(e), _odd(f))
    mean = (c | d) - (((c ^ d) & _BUT_LAST_BITS) >> U(1))
    return (even | odd << U(8)) & _COLOURS | mean & ~_COLOURS


@jit
def _pair(row, even, odd, count):
    """Lay pixels out, two in a word from an even place, and from an odd one."""
    width = row.shape[0]
    for x in range(2):
        even[x] = row[0]
    for x in range(width):
        even[x + 2] = row[x]
    for x in range(width + 2, count):
        even[x] = row[width - 1]
    for x in range(count - 1):
        odd[x] = even[x + 1]


@jit
def _widen(even, odd, result):
    for x in range(result.shape[0] // 2):
        own = even[x + 1]
        new = _middle(even[x], odd[x], own, odd[x + 1], even[x + 2], odd[x + 2])
        result[2 * x] = own & _LOW | new << U(32)
        result[2 * x + 1] = own >> U(32) | new & _HIGH


@jit
def _fill(rows, y, box, end):
    """Make the row between one that was there and the next."""
    first, last, left = 2 * box[0], 2 * box[1] - 2, box[2]
    at = 2 * y
    a, b, c = (
        rows[max(at - 4, first), left:end],
        rows[max(at - 2, first), left:end],
        rows[at, left:end],
    )
    d, e = rows[at + 2, left:end], rows[min(at + 4, last), left:end]
    f, row = rows[min(at + 6, last), left:end], rows[at + 1, left:end]
    for x in range(end - left):
        row[x] = _middle(a[x], b[x], c[x], d[x], e[x], f[x])


@jit(cache=True)
def double(picture, box, pairs, result):
    """Double a part of a picture.

    Parameters
    ----------
    picture
        ``(edge, edge)`` pixels of four bytes.
    box
        First row, row after the last, and the like for columns. What surrounds it is not looked at,
        its edge is repeated instead.
    pairs
        ``(2, edge + 6 or 7: an even number)`` pixels of four bytes, for use in here.
    result
        ``(2 edge, edge + 1)`` pairs of such pixels. Where x and y are even, these are the
        picture's.
    """
    top, bottom, left, right = box
    width = right - left + (right - left) % 2
    even, odd = pairs[0], pairs[1]
    # A row in between follows as soon as it can, while those that it depends on are at hand.
    for y in range(top, bottom + _AFTER):
        if y < bottom:
            _pair(picture[y, left:right], even, odd, width + 6)
            _widen(even.view(U), odd.view(U), result[2 * y, left : left + width])
        if top + _AFTER <= y < bottom + _AFTER - 1:
            _fill(result, y - _AFTER, box, left + width)
