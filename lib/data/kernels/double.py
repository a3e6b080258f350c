"""Makes a picture twice as fine, so that sampling it linearly is as good as a longer kernel.

The values in between come from six neighbours in a row, weighted (1, -5, 20, 20, -5, 1) / 32: the
filter for half samples of ITU-T H.264, 8.4.2.2.1. The pixels that there are stay as they are.

Four values of 16 bits share one word of 64, so that the processor takes many at a time: Numba has
no smaller whole numbers to reckon with.
"""

import numpy as np
from numba import njit

U = np.uint64


def _each(value: int) -> np.uint64:
    """A word that holds a value four times."""
    return U(value * 0x0001_0001_0001_0001)


_BYTES = _each(0xFF)
_OFFSET = 128  # keeps sums positive: at most 10 x 255 is taken away
_ROUND = _each(16 + 32 * _OFFSET)
_SUM = _each(0x07FF)
_SIGN, _TO_SIGN, _MAGNITUDE = _each(0x8000), _each(0x8000 - _OFFSET), _each(0x7FFF)
_OVER = _each(0x100)
_LOW, _HIGH = U(0xFFFF_FFFF), U(0xFFFF_FFFF_0000_0000)


@njit(nogil=True)
def _between(a, b, c, d, e, f):
    """The filter on four values, each clipped to 0..255."""
    near, far = c + d, b + e
    total = (near << U(4)) + (near << U(2)) + a + f + _ROUND - ((far << U(2)) + far)
    value = ((total >> U(5)) & _SUM) + _TO_SIGN
    sign = value & _SIGN
    value &= _MAGNITUDE & ((sign << U(1)) - (sign >> U(15)))
    over = value & _OVER
    return (value | (over - (over >> U(8)))) & _BYTES


@njit(nogil=True)
def _odd(word):
    return word >> U(8) & _BYTES


@njit(nogil=True)
def _middle(a, b, c, d, e, f):
    """The filter on eight bytes."""
    even = _between(a & _BYTES, b & _BYTES, c & _BYTES, d & _BYTES, e & _BYTES, f & _BYTES)
    return even | _between(_odd(a), _odd(b), _odd(c), _odd(d), _odd(e), _odd(f)) << U(8)


@njit(nogil=True)
def _pair(row, even, odd, count):
    """Lay pixels out, two in a word from an even place, and from an odd one."""
    last = row.shape[0] - 1
    for x in range(count):
        even[x] = row[min(max(x - 2, 0), last)]
    for x in range(count - 1):
        odd[x] = even[x + 1]


@njit(nogil=True)
def _widen(even, odd, result):
    for x in range(result.shape[0] // 2):
        own = even[x + 1]
        new = _middle(even[x], odd[x], own, odd[x + 1], even[x + 2], odd[x + 2])
        result[2 * x] = own & _LOW | new << U(32)
        result[2 * x + 1] = own >> U(32) | new & _HIGH


@njit(nogil=True, cache=True)
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
    last = 2 * (bottom - 1)
    even, odd = pairs[0], pairs[1]
    for y in range(top, bottom):
        _pair(picture[y, left:right], even, odd, width + 6)
        _widen(even.view(U), odd.view(U), result[2 * y, left : left + width])
    for y in range(2 * top, last, 2):
        first, end = max(y - 4, 2 * top), left + width
        a, b, c = (
            result[first, left:end],
            result[max(y - 2, 2 * top), left:end],
            result[y, left:end],
        )
        d, e = result[y + 2, left:end], result[min(y + 4, last), left:end]
        f, row = result[min(y + 6, last), left:end], result[y + 1, left:end]
        for x in range(width):
            row[x] = _middle(a[x], b[x], c[x], d[x], e[x], f[x])
