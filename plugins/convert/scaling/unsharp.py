"""A sharper face."""

from dataclasses import dataclass

import cv2
import numpy as np

from lib.config.options import Options as OptionsBase
from lib.config.options import option
from lib.convert.swap import Floats
from plugins.convert.scaling._base import ScalingBase


@dataclass(frozen=True, kw_only=True)
class Options(OptionsBase):
    """Options of the unsharp mask, which adds to a face what a blur takes away from it."""

    amount: float = option(
        75,
        "How much of what a blur takes away is added, in per cent. Raise it for a sharper face; "
        "too much draws light and dark lines along edges. 50 to 150 is usual.",
        minimum=0,
        maximum=500,
    )
    radius: float = option(
        1.5,
        "Standard deviation of the blur, in per cent of the edge of what the model makes. Low "
        "values sharpen lashes and lips, high ones the shape of the face. 1 to 3 is usual.",
        minimum=0.1,
        maximum=20,
    )
    threshold: float = option(
        2,
        "Differences of fewer grey levels than this, of 255, are not sharpened, so that noise in "
        "smooth skin stays as it is. 0 sharpens all; 0 to 5 is usual.",
        minimum=0,
        maximum=255,
    )


class Scaling(ScalingBase):
    """Adds the difference from a blur (unsharp masking).

    Parameters
    ----------
    options
        How much; None for the defaults.

    References
    ----------
    R. C. Gonzalez and R. E. Woods, 2018, "Digital Image Processing", 4th edition, section 3.6,
    "Unsharp masking and highboost filtering".
    """

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or Options()

    def __call__(self, face: Floats) -> Floats:
        """See `ScalingBase`."""
        sigma = self._options.radius / 100 * len(face)
        detail = face - cv2.GaussianBlur(face, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        seen = np.abs(detail).max(axis=-1, keepdims=True) * 255 >= self._options.threshold
        amount = np.float32(self._options.amount / 100)
        return np.clip(face + np.where(seen, amount * detail, 0), 0, 1)
