"""Pictures in the 256 colours that a GIF has."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOURS = 256


def paletted(picture: NDArray[np.uint8]) -> Image.Image:
    """Choose 256 colours for a picture, and spread what they miss over its neighbours.

    Parameters
    ----------
    picture
        ``(height, width, 3)``, BGR.
    """
    image = Image.fromarray(np.ascontiguousarray(picture[..., ::-1]))
    # By default Pillow cuts where many pixels are, and a face's few red ones come out grey. It
    # diffuses errors (Floyd and Steinberg, 1976) only where the colours are given.
    colours = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
    return image.quantize(palette=colours, dither=Image.Dither.FLOYDSTEINBERG)
