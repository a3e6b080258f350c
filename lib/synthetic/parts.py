"""What is not the head's skin: eyeballs, teeth, ears and shirt, each a small grid of points."""

from __future__ import annotations

import numpy as np

from lib.synthetic.grid import MOUTH_Y, Array, mean_grid
from lib.synthetic.head import neutral_head, warp
from lib.synthetic.motion import EyeBall, eyeballs, open_jaw
from lib.synthetic.parameters import Expression, Identity

EYE_RINGS, EYE_SPOKES = 22, 33
EYE_CAP = 1.25
IRIS = 0.36
PUPIL = 0.15
TEETH_SHAPE = (7, 29)
EAR_SHAPE = (13, 25)
TORSO_SHAPE = (15, 41)


def eye(ball: EyeBall, how: Expression) -> Array:
    """Return the front cap (rings, spokes, 3) of an eyeball that looks where `how` says."""
    polar = np.linspace(0, EYE_CAP, EYE_RINGS)[:, None]
    round_ = np.linspace(0, 2 * np.pi, EYE_SPOKES)
    local = np.stack(
        [
            np.sin(polar) * np.sin(round_),
            -np.sin(polar) * np.cos(round_),
            np.cos(polar) + 0.025 * np.exp(-((polar / IRIS) ** 4)) + 0 * round_,
        ],
        axis=-1,
    )
    across, up = np.deg2rad([how.gaze_x, how.gaze_y]) * 0.8
    turn = np.array(
        [[np.cos(across), 0, np.sin(across)], [0, 1, 0], [-np.sin(across), 0, np.cos(across)]]
    )
    nod = np.array([[1, 0, 0], [0, np.cos(up), np.sin(up)], [0, -np.sin(up), np.cos(up)]])
    return np.asarray(ball.centre + ball.radius * (local @ (turn @ nod).T), np.float32)


def eyes(who: Identity, how: Expression) -> tuple[Array, Array]:
    """Both eyeballs, that at the left of the picture first."""
    left, right = eyeballs(who)
    return eye(left, how), eye(right, how)


def teeth(who: Identity, how: Expression) -> tuple[Array, Array]:
    """Upper and lower row (rows, columns, 3); the lower one follows the jaw."""
    rows, columns = TEETH_SHAPE
    angle = np.linspace(-1.25, 1.25, columns)
    height = np.linspace(0, 1, rows)[:, None]
    x = 2.75 * np.sin(angle) + 0 * height
    z = 2.1 + 3.3 * np.cos(angle) - 0.1 * np.cos(np.pi * height)
    edge = 0.05 * np.abs(np.cos(angle * 6.5))
    top = np.stack([x, MOUTH_Y + 0.95 - 1.3 * height + edge * height, z], -1).astype(np.float32)
    low = np.stack(
        [0.92 * x, MOUTH_Y + 0.15 - 0.9 * height - edge * (1 - height), z - 0.3], -1
    ).astype(np.float32)
    for arc in (top, low):
        warp(arc, arc.copy(), who)
    open_jaw(low, np.ones(low.shape[:2], np.float32), how)
    return top, low


def ears(who: Identity) -> tuple[Array, Array]:
    """Both ears (rings, spokes, 3), from the bowl out over the rim to the back."""
    rings, spokes = EAR_SHAPE
    t = np.linspace(0, 1, rings)[:, None]
    turn = np.linspace(0, 2 * np.pi, spokes)
    radius = np.interp(t, (0, 0.75, 0.9, 1), (0, 1, 1.03, 0.9))
    lift = np.interp(t, (0, 0.3, 0.55, 0.68, 0.8, 0.9, 1), (0.15, 0.2, 0.75, 0.7, 0.98, 0.8, -0.6))
    size = 1 + 0.14 * who.ears
    wide = size * (1.65 + 0.35 * np.cos(turn - 0.6))
    out = -np.sin(turn) * radius * wide
    up = np.cos(turn) * radius * size * np.where(np.cos(turn) > 0, 3.0, 2.9)
    lean, flare = 0.18, 0.62 + 0.12 * who.ears
    out, up = out + lean * up, up
    side = lift * 0.7
    local = np.stack(
        [
            out * np.sin(flare) + side * np.cos(flare),
            up + 0 * t,
            -(out * np.cos(flare)) + side * np.sin(flare),
        ],
        axis=-1,
    )
    grid, skin = mean_grid(), neutral_head(who)
    column = int(np.argmin(np.abs(grid.angle - np.deg2rad(90))))
    row = int(np.argmin(np.abs(grid.points[: grid.mouth_row, column, 1] + 1.6)))
    anchor = skin[row, column]
    right = (anchor + local * (1, 1, 1) + (0.3, -0.1, -0.9)).astype(np.float32)
    left = (right * (-1, 1, 1))[:, ::-1]
    return np.ascontiguousarray(left, np.float32), right


def torso() -> Array:
    """Return the shirt (rows, columns, 3), the same for everybody."""
    rows, columns = TORSO_SHAPE
    angle = np.linspace(-2.2, 2.2, columns)
    keys = np.array([0, 0.1, 0.3, 0.55, 0.75, 1.0])
    t = np.linspace(0, 1, rows)
    width = np.interp(t, keys, (5.6, 6.2, 10.5, 18.0, 21.0, 22.0))[:, None]
    depth = np.interp(t, keys, (3.6, 4.6, 5.5, 6.0, 7.2, 9.0))[:, None]
    y = np.interp(t, keys, (-17.2, -17.4, -18.9, -20.8, -24.5, -42.0))[:, None]
    dip = (
        np.interp(t, keys, (2.4, 2.5, 2.2, 1.0, 0, 0))[:, None] * np.clip(np.cos(angle), 0, 1) ** 2
    )
    points = [width * np.sin(angle), y - dip, -5.0 + depth * np.cos(angle)]
    return np.stack(points, axis=-1).astype(np.float32)
