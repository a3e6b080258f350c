"""Expression: how lids, lips, jaw and brows move the skin of a person."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lib.synthetic.grid import (
    EYE_INNER,
    EYE_OUTER,
    EYE_SLIT,
    MOUTH_SLIT,
    MOUTH_Y,
    Array,
    mean_grid,
)
from lib.synthetic.head import EYE_BALL, EYE_RADIUS, bump, neutral_head, smoothstep, warp
from lib.synthetic.parameters import Expression, Identity

_JAW_HINGE = (-2.5, -4.0)
_JAW_ANGLE = np.deg2rad(13.0)
_LID = 0.13


class EyeBall(NamedTuple):
    """Centre (3,) and radius of an eyeball in head units."""

    centre: Array
    radius: float


def eyeballs(who: Identity) -> tuple[EyeBall, EyeBall]:
    """Return the eyeballs, that at the left of the picture first."""
    centres = np.stack([EYE_BALL * (-1, 1, 1), EYE_BALL]).astype(np.float32)
    surface = centres + np.array((0, 0, EYE_RADIUS), np.float32)
    moved = surface.copy()
    warp(moved, surface, who)
    centres += moved - surface
    centres[:, 2] -= 0.2 * who.eye_depth
    radius = EYE_RADIUS * (1 + 0.03 * who.eye_width)
    return EyeBall(centres[0], radius), EyeBall(centres[1], radius)


def posed_head(who: Identity, how: Expression) -> Array:
    """Return the points (rows, columns, 3) of the skin in head units with an expression."""
    points = neutral_head(who).copy()
    _brows(points, how)
    _mouth(points, how)
    _lids(points, who, how)
    return points


def open_jaw(points: Array, amount: Array, how: Expression) -> None:
    """Turn `points` (..., 3) in place about the jaw's hinge, `amount` (...) 0..1 of the way."""
    angle = -_JAW_ANGLE * how.mouth_open * amount
    y, z = points[..., 1] - _JAW_HINGE[0], points[..., 2] - _JAW_HINGE[1]
    points[..., 1] = _JAW_HINGE[0] + y * np.cos(angle) + z * np.sin(angle)
    points[..., 2] = _JAW_HINGE[1] - y * np.sin(angle) + z * np.cos(angle)


def _brows(points: Array, how: Expression) -> None:
    grid = mean_grid()
    x, y = np.abs(grid.points[..., 0]), grid.points[..., 1]
    lift = bump(x, y, 3.5, 2.6, 4.0, 1.6) * grid.front * (1 - grid.below_eyes)
    lift = lift * smoothstep(y, 0.2, 1.8)
    points[..., 1] += 0.55 * how.brow_raise * lift
    points[..., 0] *= (
        1 + 0.05 * min(how.brow_raise, 0) * bump(x, y, 1.0, 2.2, 1.6, 1.2) * grid.front
    )


def _mouth(points: Array, how: Expression) -> None:
    grid = mean_grid()
    x, y = np.abs(grid.points[..., 0]), grid.points[..., 1]
    sign = np.sign(grid.points[..., 0])
    corner = bump(x, y, grid.mouth_x + 0.2, MOUTH_Y, 1.8, 1.9) * grid.front
    wide = how.mouth_width + 0.6 * max(how.smile, 0)
    points[..., 0] += sign * 0.55 * wide * corner
    points[..., 1] += 0.5 * how.smile * corner
    points[..., 2] -= (0.3 * wide + 0.12 * abs(how.smile)) * corner
    lips = bump(x, y, 0, MOUTH_Y, 2.4, 1.6) * grid.front
    points[..., 2] -= 0.35 * how.mouth_width * lips
    cheek = bump(x, y, 4.6, -4.6, 1.6, 1.6) * grid.front * max(how.smile, 0)
    points[..., 1] += 0.35 * cheek
    points[..., 2] += 0.4 * cheek
    _part_lips(points, how)


def _part_lips(points: Array, how: Expression) -> None:
    """Drop the jaw; between the corners the lips part, and the slit's rows fold into the mouth."""
    grid = mean_grid()
    x, y = np.abs(grid.points[..., 0]), grid.points[..., 1]
    span = np.clip(1 - (x / grid.mouth_x) ** 2, 0, 1) ** 0.55 * grid.front
    height = y - grid.points[grid.mouth_row, :, 1]
    depth = np.clip(-height, 0, None)
    chin = smoothstep(depth + 0.35 * np.clip(3.5 - x, 0, None), 0.0, 3.5)
    side = np.clip(1.15 - (x / 7.5) ** 4, 0, 1)
    rows = np.arange(grid.shape[0], dtype=np.float32)[:, None]
    neck = 1 - smoothstep(rows, grid.jaw_row, grid.jaw_row + 8)
    soft = smoothstep(depth, 0.0, 3.0)
    drop = (
        (span + (1 - span) * np.minimum(chin, soft)) * side * neck * grid.below_mouth * grid.front
    )
    open_jaw(points, drop, how)
    corner = bump(x, y, grid.mouth_x, MOUTH_Y, 1.0, 0.8) * (1 - span) * grid.front
    points[..., 1] -= 0.35 * how.mouth_open * corner
    points[..., 0] *= 1 - 0.05 * how.mouth_open * bump(x, y, 0, MOUTH_Y, 3.4, 1.6) * grid.front
    above = bump(x, y, 0, MOUTH_Y, 2.4, 1.5) * (1 - grid.below_mouth) * grid.front
    above = above * (span + (1 - span) * smoothstep(height, 0.0, 1.2))
    points[..., 1] += 0.2 * how.mouth_open * above
    first = grid.mouth_row
    inward = ((0.0, 0.0), (0.12, 0.55), (0.9, 3.2), (-0.9, 3.2), (-0.15, 0.55), (0.0, 0.0))
    for row, (up, back) in zip(range(first, first + MOUTH_SLIT), inward, strict=True):
        points[row, :, 1] += up * span[row]
        points[row, :, 2] -= back * span[row]


def _lids(points: Array, who: Identity, how: Expression) -> None:
    """Part the lids, rest them on the eyeballs, and turn their rims inward."""
    grid = mean_grid()
    x, y = np.abs(grid.points[..., 0]), grid.points[..., 1]
    upper, lower = _lid_heights(x, who, how)
    fall_up = np.clip(1 - y / 1.5, 0, 1) ** 1.4 * (1 - grid.below_eyes)
    fall_down = np.clip(1 + y / 1.5, 0, 1) ** 1.4 * grid.below_eyes
    points[..., 1] += (upper * fall_up + lower * fall_down) * grid.front
    rims = slice(grid.eye_row + 1, grid.eye_row + EYE_SLIT - 1)
    inside = (x > EYE_INNER) & (x < EYE_OUTER) & (grid.front > 0.5)
    for side, ball in zip((-1, 1), eyeballs(who), strict=True):
        mine = np.sign(grid.points[..., 0]) == side
        flat = np.sum((points[..., :2] - ball.centre[:2]) ** 2, axis=-1)
        reach = (ball.radius + _LID) ** 2
        near = grid.front * (1 - smoothstep(flat, 0.8 * reach, 1.05 * reach))
        sphere = np.sqrt(np.clip(reach - flat, 0.05, None)) + ball.centre[2]
        lid = _soft_max(points[..., 2], sphere, 0.25)
        points[..., 2] = np.where(
            mine, points[..., 2] + (lid - points[..., 2]) * near, points[..., 2]
        )
        rim = np.minimum(sphere - _LID - 0.12, points[..., 2] - 0.1)
        held = mine & inside
        points[rims, :, 2] = np.where(held[rims], rim[rims], points[rims, :, 2])


def _lid_heights(x: Array, who: Identity, how: Expression) -> tuple[Array, Array]:
    """Heights of the lids' edges over the slit, in head units: (upper, lower)."""
    t = np.clip((x - EYE_INNER) / (EYE_OUTER - EYE_INNER), 0, 1)
    tall = 1 + 0.22 * who.eye_height
    upper = 0.68 * tall * np.clip(4 * t * (1 - t), 0, 1) ** 0.7 * (1.06 - 0.12 * t)
    lower = -0.3 * tall * np.clip(4 * t * (1 - t), 0, 1) ** 0.75 * (0.85 + 0.3 * t)
    squint = 1 - 0.35 * max(how.smile, 0)
    look = 0.012 * how.gaze_y
    shut = 0.75 * lower
    amount = np.clip(how.eye_open, 0, 1.3)
    raised = upper * (1 + look) * amount + shut * max(0.0, 1 - amount)
    return raised.astype(np.float32), (
        lower * squint * min(amount, 1) + shut * max(0.0, 1 - amount)
    ).astype(np.float32)


def _soft_max(a: Array, b: Array, width: float) -> Array:
    return np.asarray((a + b + np.sqrt((a - b) ** 2 + width**2)) / 2, np.float32)
