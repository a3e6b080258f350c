"""Lays the masks of a face beside its picture."""

from lib.data.kernels.compiled import compiled


@compiled(cache=True)
def lay(picture, masks, result):
    """Join a picture with its face mask, and the other masks, pixel for pixel.

    Parameters
    ----------
    picture
        ``(n,)`` pixels of four bytes: blue, green, red and the face mask.
    masks
        ``(3 n,)`` bytes: another, eyes and mouth.
    result
        ``(3 n,)`` pairs of bytes: blue, green, red, face, eyes and mouth.
    """
    for pixel in range(picture.shape[0]):
        seen, at = picture[pixel], 3 * pixel
        result[at] = seen
        result[at + 1] = seen >> 16
        result[at + 2] = masks[at + 1] | masks[at + 2] << 8
