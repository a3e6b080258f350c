"""Changes of many faces' colours at once on the device, as `lib.data.colour` makes them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.data.augment import Draws
from lib.data.colour import are_changed, clahe_tiles, lines
from lib.data.srgb import TO_XYZ, linear_light
from lib.device import device
from lib.training.clahe import Tiling, equalise, tiling

Floats = NDArray[np.float64]

# CIE 15: L, a and b of the roots of X, Y and Z, each a part of white's; and what is added.
_LAB = np.array([[0.0, 116, 0], [500, -500, 0], [0, 200, -200]])
_LAB_OFFSET = np.array([-16.0, 0, 0])
# On the scale of 8 bits.
_SCALE = np.array([255 / 100, 1, 1])
_MIDDLE = np.array([0.0, 128, 128])
# Below this root, which is 24/116, a line takes the cubic root's place.
_LEAST_ROOT = 6 / 29
_SLOPE = 3 * _LEAST_ROOT**2
_START = 4 / 29


@dataclass(frozen=True, eq=False)
class Change:
    """How the colours of ``c`` faces are changed.

    Attributes
    ----------
    faces
        ``(c,)`` which faces of a batch these are; the others stay as they are to the byte.
    factors, offsets
        ``(c, 3, 1, 1)`` what L, a and b, in 8 bits, are multiplied by, and what is then added.
    tiling
        Of those among them whose lightness is equalised before that.
    """

    faces: Tensor
    factors: Tensor
    offsets: Tensor
    tiling: Tiling | None


def planned(draws: Draws, edge: int, rows: slice = slice(None)) -> Change | None:
    """Say how colours are changed; on the host.

    Parameters
    ----------
    draws
        Of a batch.
    edge
        Edge of the faces in pixels.
    rows
        Which of the batch; numbered from 0 in what is given.

    Returns
    -------
    Change or None
        None where no face changes.
    """
    rates, tiles = draws.colour[rows], clahe_tiles(edge, draws.clahe_step[rows])
    faces = np.flatnonzero(are_changed(rates, tiles))
    if not faces.size:
        return None
    # In one piece each, or the host would wait for the copies to a card.
    factors, offsets = (
        torch.from_numpy(np.ascontiguousarray(part))[..., None, None]
        for part in np.moveaxis(lines(rates[faces]), -1, 0)
    )
    return Change(torch.from_numpy(faces), factors, offsets, tiling(edge, tiles[faces]))


class Colours:
    """Changes colours on the device. Holds constants there."""

    def __init__(self) -> None:
        self._light = _constant(linear_light(np.arange(256) / 255))
        # Faces are blue first.
        to_xyz, to_lab = TO_XYZ[:, ::-1], _SCALE[:, None] * _LAB
        offset = _SCALE * _LAB_OFFSET + _MIDDLE
        self._to_xyz = _mixer(to_xyz, np.zeros(3))
        self._to_lab = _mixer(to_lab, offset)
        self._from_lab = _mixer(np.linalg.inv(to_lab), -np.linalg.inv(to_lab) @ offset)
        self._from_xyz = _mixer(np.linalg.inv(to_xyz), np.zeros(3))

    def __call__(self, pictures: Tensor, change: Change) -> Tensor:
        """Change the colours of a batch, in place.

        Parameters
        ----------
        pictures
            ``(n, 3, edge, edge)``, blue first, whole levels 0 to 255; float32.
        change
            On the same device.

        Returns
        -------
        Tensor
            `pictures`; what has changed is not rounded.
        """
        lab = self.to_lab(pictures.index_select(0, change.faces))
        if change.tiling is not None:
            lightness = lab[:, 0]
            chosen = lightness.index_select(0, change.tiling.faces)
            lightness.index_copy_(0, change.tiling.faces, equalise(chosen, change.tiling))
        lab.mul_(change.factors).add_(change.offsets)
        return pictures.index_copy_(0, change.faces, self.to_bgr(lab))

    def to_lab(self, pictures: Tensor) -> Tensor:
        """L, a and b on the scale of 8 bits; they are not rounded.

        Parameters
        ----------
        pictures
            ``(n, 3, edge, edge)``, blue first, whole levels 0 to 255.

        Returns
        -------
        Tensor
            As `pictures`: L times 255/100, a + 128, b + 128.
        """
        xyz = _mixed(self._light.take(pictures.long()), self._to_xyz)
        return _mixed(_roots(xyz), self._to_lab)

    def to_bgr(self, lab: Tensor) -> Tensor:
        """Undo `to_lab`; colours that a screen cannot show are brought to the nearest of each."""
        xyz = _cubes(_mixed(lab, self._from_lab))
        return _shown(_mixed(xyz, self._from_xyz)).mul_(255)


def _roots(xyz: Tensor) -> Tensor:
    """Cubic roots, as CIE 15 bends them near 0."""
    line = (xyz / _SLOPE).add_(_START)
    return torch.where(xyz > _LEAST_ROOT**3, xyz.pow(1 / 3), line)


def _cubes(roots: Tensor) -> Tensor:
    """Undo `_roots`."""
    line = (roots - _START).mul_(_SLOPE)
    return torch.where(roots > _LEAST_ROOT, roots.pow(3), line)


def _shown(light: Tensor) -> Tensor:
    """What a screen is told to shine so bright, 0 to 1; IEC 61966-2-1."""
    light = light.clamp(0, 1)
    bent = light.pow(1 / 2.4).mul_(1.055).sub_(0.055)
    return torch.where(light > 0.0031308, bent, light * 12.92)


def _constant(values: Floats) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).to(device())


def _mixer(matrix: Floats, offset: Floats) -> tuple[Tensor, ...]:
    """What `_mixed` mixes by: the columns of a matrix, and what is added."""
    columns = np.concatenate([matrix, offset[:, None]], axis=1).T
    return _constant(columns[..., None, None]).unbind()


def _mixed(planes: Tensor, mixer: tuple[Tensor, ...]) -> Tensor:
    """Mix the planes of ``(n, 3, h, w)``: a product of matrices.

    It is not done by one: where the user's PyTorch lets those round to TF32, they keep 10 bits.
    """
    first, second, third, offset = mixer
    one, two, three = planes.chunk(3, dim=1)
    return torch.addcmul(offset, one, first).addcmul_(two, second).addcmul_(three, third)
