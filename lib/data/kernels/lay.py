"""Lays the masks of a face beside its picture."""

from numba import njit


@njit(nogil=True, cache=True)
def lay(picture, masks, result):
    """Join a picture and three masks, pixel for pixel.

    Parameters
    ----------
    picture
        ``(n,)`` pixels of four bytes: blue, green, red and another.
    masks
        The like: face, eyes, mouth and another.
    result
        ``(3 n,)`` pairs of bytes: blue, green, red and the masks.
    """
    for pixel in range(picture.shape[0]):
        seen, marked, at = picture[pixel], masks[pixel], 3 * pixel
        result[at] = seen
        result[at + 1] = seen >> 16 & 0xFF | (marked & 0xFF) << 8
        result[at + 2] = marked >> 8
