"""Colour spaces that FLIP works in: sRGB, opponent colours, CIE L*a*b*.

Colours lie in planes ``(batch, 3, height, width)``. The matrix and the curve of sRGB are those of
IEC 61966-2-1; white is (1, 1, 1) of linear RGB, D65.
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_RELATIVE_XYZ = _XYZ / _XYZ.sum(axis=1, keepdims=True)
"""Linear RGB to X, Y, Z as shares of white's."""

_OPPONENT = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]]) @ _RELATIVE_XYZ
"""Linear RGB to Y, Cx, Cz, which are L*, a* and b* without the cube root and with no offset."""

_DELTA = 6 / 29
"""Where the cube root of L*a*b* gives way to its tangent."""


@lru_cache(maxsize=16)
def _matrix(name: str, device: torch.device, dtype: torch.dtype) -> Tensor:
    matrices: dict[str, NDArray[np.float64]] = {
        "xyz": _RELATIVE_XYZ,
        "opponent": _OPPONENT,
        "linear": np.linalg.inv(_OPPONENT),
    }
    return torch.from_numpy(matrices[name]).to(device, dtype)


def _transform(name: str, planes: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", _matrix(name, planes.device, planes.dtype), planes)


def linear_from_srgb(planes: Tensor) -> Tensor:
    """Light of sRGB values in 0..1, in 0..1."""
    # Each branch is kept to its own range: the gradient of the other is finite there too.
    power = ((torch.clamp(planes, min=0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(planes > 0.04045, power, planes / 12.92)


def opponent_from_linear(planes: Tensor) -> Tensor:
    """Luminance, 116 for white, then red against green and yellow against blue: the paper's YCxCz.

    Its offset of -16 is left out: filters that keep flat colours would only carry it through.
    """
    return _transform("opponent", planes)


def linear_from_opponent(planes: Tensor) -> Tensor:
    """Inverse of `opponent_from_linear`."""
    return _transform("linear", planes)


def lab_from_linear(planes: Tensor) -> Tensor:
    """L* in 0..100, a* and b* of light in 0..1."""
    xyz = _transform("xyz", planes)
    root = torch.clamp(xyz, min=_DELTA**3) ** (1 / 3)
    x, y, z = torch.where(xyz > _DELTA**3, root, xyz / (3 * _DELTA**2) + 4 / 29).unbind(dim=1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)
