"""One picture of a source, and when it is shown."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture, upright as a viewer shows it.

    Attributes
    ----------
    index
        Its number in the source, from 0. A frame that cannot be read keeps its number.
    name
        The file name of a picture; of a video's frame ``clip_000001.png``, counted from 1.
    image
        ``(height, width, 3)``, BGR.
    time
        Seconds from the beginning of a video; None for a picture of its own.
    profile
        ICC profile of a picture's colours; None where its file has none, and of a video.
    """

    index: int
    name: str
    image: NDArray[np.uint8]
    time: Fraction | None = None
    profile: bytes | None = None
