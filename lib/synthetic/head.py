"""The skin of one person at rest: relief on the mean grid, moved by the person's traits."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lib.synthetic.grid import EYE_CENTRE, MOUTH_Y, Array, cubic, mean_grid
from lib.synthetic.parameters import Identity

# Eyeball: centre (canonical) and radius in head units. Larger than life, so that flat lids fit it.
EYE_BALL = np.array([EYE_CENTRE, 0.0, 2.35], np.float32)
EYE_RADIUS = 2.15

_NOSE_Y = (2.2, 1.2, 0.3, -1.0, -2.4, -3.5, -4.25, -4.75, -5.2, -5.6, -6.0, -6.8)
_NOSE_HEIGHT = (0.0, 0.35, 0.75, 1.65, 2.65, 3.4, 3.75, 3.4, 2.4, 1.3, 0.75, 0.35)
_NOSE_WIDTH = (1.1, 0.85, 0.8, 0.85, 1.0, 1.15, 1.2, 1.25, 1.35, 1.5, 1.8, 2.2)


def bump(x: Array, y: Array, cx: float, cy: float, sx: float, sy: float) -> Array:
    """Gaussian hill of height 1 at (`cx`, `cy`), falling to 1/e at `sx`, `sy`."""
    return np.exp(-(((x - cx) / sx) ** 2) - ((y - cy) / sy) ** 2, dtype=np.float32)


def smoothstep(x: Array, low: float, high: float) -> Array:
    """Rise from 0 at `low` to 1 at `high` with flat ends."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


@lru_cache(maxsize=32)
def neutral_head(who: Identity) -> Array:
    """Return the points (rows, columns, 3) of the skin, eyes and mouth shut (read-only)."""
    grid = mean_grid()
    points = grid.points.copy()
    points[..., 2] += _relief(who) * grid.front
    warp(points, grid.points, who)
    points.setflags(write=False)
    return points


def _relief(who: Identity) -> Array:
    """Depth of the features over the loft, in head units."""
    x, y = np.abs(mean_grid().points[..., 0]), mean_grid().points[..., 1]
    skull = (
        (0.45 + 0.3 * who.brow_ridge) * bump(x, y, 3.0, 1.75, 3.4, 0.95)
        - (0.85 + 0.25 * who.eye_depth) * bump(x, y, 3.4, -0.1, 2.0, 1.35)
        - 0.55 * bump(x, y, 1.9, -0.2, 0.75, 0.9)
        - 0.25 * bump(x, y, 7.4, 2.6, 1.4, 1.8)
        + (0.45 + 0.45 * who.cheekbones) * bump(x, y, 5.0, -2.6, 1.7, 1.5)
        + (0.1 + 0.55 * who.cheek_fullness) * bump(x, y, 4.7, -6.3, 1.8, 2.0)
        + (0.7 + 0.5 * who.chin_depth) * bump(x, y, 0.0, -11.7, 1.7, 1.1)
    )
    muzzle = (
        0.75 * bump(x, y, 0.0, -7.9, 3.2, 2.2)
        - 0.2 * bump(x, y, 2.7, -6.0, 0.5, 0.8)
        - 0.2 * bump(x, y, 3.4, -7.3, 0.45, 1.0)
        - 0.55 * bump(x, y, 0.0, -10.15, 2.2, 0.5)
        - 0.13 * bump(x, y, 0.0, -6.6, 0.28, 0.6)
    )
    return np.asarray(skull + muzzle + _lips(x, y, who) + _nose(x, y, who), np.float32)


def _lips(x: Array, y: Array, who: Identity) -> Array:
    d = y - MOUTH_Y
    span = np.clip(1 - (x / (mean_grid().mouth_x + 0.15)) ** 2, 0, 1) ** 0.6
    upper = (0.5 + 0.15 * who.upper_lip) * np.exp(-(((d - 0.3) / 0.42) ** 2))
    lower = (0.55 + 0.15 * who.lower_lip) * np.exp(-(((d + 0.5) / 0.5) ** 2))
    crease = 0.3 * np.exp(-((d / 0.16) ** 2))
    corner = 0.2 * bump(x, y, mean_grid().mouth_x + 0.15, MOUTH_Y, 0.35, 0.4)
    return np.asarray(span * (upper + lower - crease) - corner, np.float32)


def _nose(x: Array, y: Array, who: Identity) -> Array:
    flat = np.clip(y.ravel(), _NOSE_Y[-1], _NOSE_Y[0]).astype(float)
    table = np.stack([_NOSE_HEIGHT, _NOSE_WIDTH], axis=-1)[::-1]
    height, width = cubic(flat, np.array(_NOSE_Y[::-1]), table).T.reshape(2, *y.shape)
    height = height * np.where(y > _NOSE_Y[0], 0, 1) * np.where(y < _NOSE_Y[-1], 0, 1)
    depth = 1 + 0.16 * who.nose_depth + 0.3 * who.nose_bridge * bump(x, y, 0, -0.2, 9, 1.6)
    ridge = height * depth * np.exp(-((x / (width * (1 + 0.14 * who.nose_width))) ** 2))
    tip = (0.4 + 0.1 * who.nose_depth) * bump(x, y, 0, -4.3, 0.75, 0.7)
    wing = 1 + 0.25 * who.nose_width
    wings = 1.05 * wing * bump(x, y, 1.4, -4.8, 0.5, 0.6) - 0.3 * bump(x, y, 2.15, -4.6, 0.35, 0.9)
    nostrils = -0.55 * bump(x, y, 0.72, -5.45, 0.4, 0.25)
    return np.asarray(ridge + tip + wings + nostrils, np.float32)


def warp(points: Array, canonical: Array, who: Identity) -> None:
    """Move `points` (..., 3) in place by the traits of `who`, as befits where they sit.

    `canonical` (..., 3) are their places on the mean head. Whatever sits on the face (eyeballs,
    teeth, ears) goes through the same warp as the skin under it.
    """
    cx, y = canonical[..., 0], canonical[..., 1]
    x, sign = np.abs(cx), np.sign(cx)
    front = smoothstep(canonical[..., 2], -3.0, 1.5)
    _warp_eyes(points, x, y, sign, front, who)
    nose = bump(x, y, 0, -4.8, 2.2, 1.5) * front
    points[..., 0] *= 1 + 0.2 * who.nose_width * nose
    tip = bump(x, y, 0, -4.2, 2.4, 2.2) * front
    points[..., 1] += (-0.45 * who.nose_length + 0.25 * who.nose_tip) * tip
    _warp_mouth(points, x, y, front, who)
    _warp_skull(points, x, y, who)


def _warp_eyes(points: Array, x: Array, y: Array, sign: Array, front: Array, who: Identity) -> None:
    eye = bump(x, y, EYE_CENTRE, 0, 2.6, 1.8) * front
    tilt = 0.04 + 0.07 * who.eye_tilt
    points[..., 1] += eye * (tilt * (x - EYE_CENTRE) - 0.02)
    points[..., 0] += (
        sign * eye * (0.28 * who.eye_spacing + 0.07 * who.eye_width * (x - EYE_CENTRE))
    )
    brow = bump(x, y, 3.8, 2.5, 3.4, 1.15) * front
    arch = bump(x, y, 4.6, 2.5, 1.6, 1.2) - bump(x, y, 1.6, 2.2, 1.4, 1.2)
    points[..., 1] += brow * 0.4 * who.brow_height + 0.22 * who.brow_arch * arch * front


def _warp_mouth(points: Array, x: Array, y: Array, front: Array, who: Identity) -> None:
    mouth = bump(x, y, 0, MOUTH_Y, 4.5, 2.2) * front
    d = y - MOUTH_Y
    upper = 0.32 * who.upper_lip * smoothstep(d, 0, 0.9) * (1 - smoothstep(d, 1.0, 2.2))
    lower = -0.32 * who.lower_lip * smoothstep(-d, 0, 1.1) * (1 - smoothstep(-d, 1.2, 2.6))
    span = bump(x, y, 0, MOUTH_Y, 3.0, 9.0) * front
    points[..., 1] += 0.3 * who.mouth_height * mouth + (upper + lower) * span
    points[..., 0] *= 1 + 0.12 * who.mouth_width * mouth


def _warp_skull(points: Array, x: Array, y: Array, who: Identity) -> None:
    below = smoothstep(-y, 3.0, 11.0)
    neck = smoothstep(-y, 13.0, 15.0)
    jaw = below * (1 - 0.6 * neck)
    cheek = bump(x, y, 8, -2.5, 6, 3.0)
    points[..., 0] *= (
        1.04 + 0.055 * who.head_width + 0.11 * who.jaw_width * jaw + 0.03 * who.cheekbones * cheek
    )
    points[..., 2] += 0.35 * who.chin_depth * bump(x, y, 0, -12, 3.5, 2.0)
    chin = smoothstep(-y, 9.5, 12.5)
    points[..., 1] -= (0.55 * who.face_length * below + 0.5 * who.chin_length * chin) * (
        1 - 0.5 * neck
    )
    top = smoothstep(y, 3.0, 12.0)
    points[..., 1] += 0.9 * who.cranium * top
