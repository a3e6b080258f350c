"""From the colours of a screen to those of CIE: sRGB, IEC 61966-2-1."""

import numpy as np
from numpy.typing import NDArray

_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
TO_XYZ = _TO_XYZ / _TO_XYZ.sum(axis=1, keepdims=True)
"""Linear red, green and blue to CIE XYZ of the white D65, each row over that white."""


def linear_light(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear light of sRGB's values, both 0 to 1."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
