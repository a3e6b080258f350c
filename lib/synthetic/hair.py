"""Hair: a second skin over the skull, open below the hairline, that may hang down at the sides."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.synthetic.grid import Array, cubic
from lib.synthetic.head import smoothstep, warp
from lib.synthetic.parameters import Identity

HAIR_SHAPE = (44, 89)


class Cut(NamedTuple):
    """A hair style: thickness on top and at the sides, how far down it hangs, its fringe."""

    top: float
    side: float
    bottom: float
    fringe: float
    part: float
    temple: float


_CUTS = {
    "shaved": Cut(0.22, 0.16, -2.0, 0.0, 0.0, 0.0),
    "short": Cut(1.2, 0.55, -2.6, 0.5, 0.1, 0.0),
    "swept": Cut(2.3, 0.75, -3.6, -0.2, 0.45, 0.05),
    "bob": Cut(1.3, 1.5, -11.0, 0.9, 0.25, 0.12),
    "long": Cut(1.2, 1.35, -19.5, -0.3, 0.0, 0.16),
}
# y, half width, z front, z back of the skull and of what hangs below it
_SKULL = (
    (14.0, 0.02, -4.6, -4.62),
    (13.5, 3.5, -1.4, -8.2),
    (11.7, 6.4, 2.2, -12.2),
    (8.4, 8.2, 4.7, -14.5),
    (4.8, 8.75, 5.9, -15.0),
    (0.0, 8.35, 5.4, -14.6),
    (-4.0, 7.9, 5.0, -13.4),
    (-8.0, 7.7, 4.6, -12.4),
    (-14.0, 7.6, 4.0, -11.8),
    (-20.0, 8.0, 3.6, -11.6),
)


def strands(shape: tuple[int, int], seed: int) -> Array:
    """Draw noise of mean 0 and about -1..1, stretched from the crown down the rows."""
    rng = np.random.default_rng(seed)
    rows, columns = shape
    fine = rng.standard_normal((max(rows // 24, 3), columns)).astype(np.float32)
    broad = rng.standard_normal((max(rows // 40, 2), max(columns // 6, 2))).astype(np.float32)
    layers = [
        np.asarray(cv2.resize(layer, (columns, rows), interpolation=cv2.INTER_CUBIC))
        for layer in (fine, broad)
    ]
    return np.asarray(0.45 * layers[0] + 0.45 * layers[1], np.float32)


def hair(who: Identity) -> tuple[Array, NDArray[np.bool_]]:
    """Return the hair's outside (rows, columns, 3) and where (rows, columns) it grows."""
    cut = _CUTS[who.hair_style]
    rows, columns = HAIR_SHAPE
    angle = np.linspace(-np.pi, np.pi, columns)
    t = np.linspace(0, 1, rows)
    table = np.array(_SKULL)
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(table[:, :2], axis=0).T))])
    last = np.interp(-cut.bottom, -table[:, 0], length)
    y, width, front, back = (f[:, None] for f in cubic(t * last, length, table).T)
    sine, cosine = np.abs(np.sin(angle)), np.cos(angle)
    bow = np.clip(1 - sine**2.3, 0, None) ** (1 / 2.3)
    base = np.stack(
        [
            width * np.sin(angle),
            np.broadcast_to(y, (rows, columns)),
            -4.4 + np.where(cosine > 0, front + 4.4, back + 4.4) * bow,
        ],
        axis=-1,
    )
    thick = _thickness(who, cut, y, angle)
    thick += 0.12 * (cut.top > 0.3) * strands(HAIR_SHAPE, who.seed) * (thick > -0.2)
    pivot = np.stack([0 * y, np.minimum(y, 6.0), -4.4 + 0 * y], axis=-1)
    spread = base - pivot
    spread[..., 1] *= 0.8
    away = spread / np.maximum(np.linalg.norm(spread, axis=-1, keepdims=True), 0.1)
    points = base + away * thick[..., None]
    points[..., 1] += np.clip(thick, -1, None) * 0.15 * smoothstep(y, 4.0, 10.0)
    out = points.astype(np.float32)
    warp(out, base.astype(np.float32), who)
    return out, thick > -0.7


def _thickness(who: Identity, cut: Cut, y: Array, angle: Array) -> Array:
    """How far hair stands off the skull; negative where there is none."""
    volume = 1 + 0.25 * who.hair_volume
    around = np.abs(angle)
    line = 7.6 + 0.7 * who.hairline - cut.fringe
    line = line + 0.8 * cut.part * np.sin(1.5 * (angle - 0.4)) * np.exp(-((angle / 1.2) ** 2))
    edge = cubic(
        np.asarray(around, float),
        np.array([0, 0.45, 0.75, 0.92, 1.12, 1.34, 1.7, 2.0, np.pi]),
        np.array([0.0, -0.35, -1.4, -4.0, -7.5, -8.6, -9.5, -16.0, -26.0])[:, None],
    )[:, 0]
    if cut.bottom < -6:
        hang = np.interp(around, (0.98 + cut.temple, 1.12 + cut.temple), (0.0, 1.0))
        edge = edge - 30 * hang
    above = y - (line + edge) + 0.22 * strands((3, HAIR_SHAPE[1]), who.seed + 4)[1]
    top = smoothstep(y, 2.0, 9.0)
    full = (cut.side + (cut.top - cut.side) * top) * volume
    groove = 0.35 * cut.part * np.exp(-(((angle - 0.45) / 0.07) ** 2)) * top
    grown = smoothstep(above, -0.5, 1.6)
    return np.asarray((full - groove + 0.9) * grown - 0.9, np.float32)
