"""Pictures in the 256 colours that a GIF has."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOURS = 256

Pixels = NDArray[np.uint8]


def paletted(picture: Pixels) -> Image.Image:
    """Choose 256 colours for a picture, and spread what they miss over its neighbours.

    One of no more colours keeps them as they are.

    Parameters
    ----------
    picture
        ``(height, width, 3)``, BGR.
    """
    image = Image.fromarray(np.ascontiguousarray(picture[..., ::-1]))
    if image.getcolors(COLOURS):
        return image.quantize(COLOURS)
    # Pillow diffuses errors (Floyd and Steinberg, 1976) only where the colours are given.
    return image.quantize(palette=_colours(np.asarray(image)), dither=Image.Dither.FLOYDSTEINBERG)


def _colours(rgb: Pixels) -> Image.Image:
    """Colours of an octree over the range that the picture has: of a dark one, dark ones.

    By default Pillow cuts where many pixels are, and a face's few red ones come out grey.
    """
    low, high = (np.array(edge(rgb, axis=(0, 1)), np.float32) for edge in (np.min, np.max))
    scale = 255 / np.maximum(high - low, 1)
    stretched = np.round((rgb - low) * scale).astype(np.uint8)
    chosen = Image.fromarray(stretched).quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
    colours = np.array(chosen.getpalette(), np.float32).reshape(-1, 3) / scale + low
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.round(colours).astype(np.uint8).ravel().tolist())
    return palette
