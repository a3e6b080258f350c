"""Light on the grid: normals, soft shadow, lamp, room and gloss, computed at the vertices."""

from __future__ import annotations

import cv2
import numpy as np

from lib.synthetic.grid import Array
from lib.synthetic.parameters import Light

_WRAP = np.array((0.16, 0.22, 0.34), np.float32)
_SHADOW_CELLS = 72


def normals(points: Array) -> Array:
    """Sum the normals of the quads around each vertex of a grid, (rows, columns, 3), not unit."""
    right = np.diff(points, axis=1)
    down = np.diff(points, axis=0)
    face = np.cross(down[:, :-1] + down[:, 1:], right[:-1] + right[1:])
    out = np.zeros_like(points)
    out[:-1, :-1] += face
    out[1:, :-1] += face
    out[:-1, 1:] += face
    out[1:, 1:] += face
    return out


def unit(vectors: Array) -> Array:
    """Scale vectors (..., 3) to length 1."""
    length = np.sqrt(np.einsum("...i,...i", vectors, vectors))[..., None]
    return np.asarray(vectors / np.maximum(length, 1e-9), np.float32)


def lamp_direction(light: Light) -> Array:
    """Return the unit vector (3,) towards the lamp; x right, y up, z to the viewer."""
    around, up = np.deg2rad([light.azimuth, light.elevation])
    return np.array(
        [np.sin(around) * np.cos(up), np.sin(up), np.cos(around) * np.cos(up)], np.float32
    )


def lamp_colour(light: Light) -> Array:
    """Return the linear BGR (3,) of the lamp at strength 1."""
    return np.array((1 - 0.28 * light.warmth, 1.0, 1 + 0.22 * light.warmth), np.float32)


class ShadowMap:
    """Depth seen from the lamp, for soft shadows between vertices.

    Parameters
    ----------
    casters
        (n, 3) points that throw shadows.
    towards
        (3,) unit vector to the lamp.
    """

    def __init__(self, casters: Array, towards: Array) -> None:
        side = np.cross(np.array((0, 1, 0), np.float32), towards)
        side /= np.linalg.norm(side)
        self._axes = np.stack([side, np.cross(towards, side), towards], axis=1).astype(np.float32)
        seen = casters @ self._axes
        self._low = seen[:, :2].min(axis=0)
        self._scale = (_SHADOW_CELLS - 5) / (seen[:, :2].max(axis=0) - self._low)
        cell = np.rint((seen[:, :2] - self._low) * self._scale).astype(int) + 2
        depth = np.full(_SHADOW_CELLS**2, -100, np.float32)
        np.maximum.at(depth, cell[:, 1] * _SHADOW_CELLS + cell[:, 0], seen[:, 2])
        grid = cv2.morphologyEx(
            depth.reshape(_SHADOW_CELLS, -1), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)
        )
        self._depth = np.asarray(grid, np.float32)

    def lit(self, points: Array) -> Array:
        """Tell the share of the lamp's light, 0 to 1, that reaches `points` (rows, columns, 3)."""
        seen = points @ self._axes
        at = (seen[..., :2] - self._low) * self._scale + 2
        total = np.zeros(points.shape[:2], np.float32)
        for dx, dy in ((0.0, 0.0), (1.1, 0.4), (-1.1, -0.4), (0.4, -1.1), (-0.4, 1.1)):
            depth = cv2.remap(
                self._depth,
                at[..., 0] + np.float32(dx),
                at[..., 1] + np.float32(dy),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=(-100.0,),
            )
            total += np.clip((depth - seen[..., 2] - 0.55) / 0.9, 0, 1)
        return np.asarray(1 - total / 5, np.float32)


def irradiance(normal: Array, light: Light, lit: Array, open_: Array) -> Array:
    """Sum the linear BGR light (rows, columns, 3) on a surface.

    The lamp's cosine is wrapped a little, and red the furthest, as light that has wandered under
    skin is.

    Parameters
    ----------
    normal
        Unit normals (rows, columns, 3).
    light
        The lamp and the room.
    lit, open_
        Shares (rows, columns) of the lamp and of the room that are not hidden.
    """
    cosine = (normal @ lamp_direction(light))[..., None]
    lamp = np.clip((cosine + _WRAP) / (1 + _WRAP), 0, None) * lit[..., None]
    sky = 0.68 + 0.22 * normal[..., 1] + 0.22 * normal[..., 2]
    room = light.ambient * (sky * open_)[..., None] * (1 - 0.25 * (lamp_colour(light) - 1))
    total = (
        light.strength * 1.25 * lamp_colour(light) * lamp * (0.5 + 0.5 * open_[..., None]) + room
    )
    return np.asarray(total, np.float32)


def gloss(
    normal: Array, light: Light, lit: Array, sharpness: float, amount: Array | float
) -> Array:
    """Return the strength (rows, columns) of the lamp's reflection (Blinn 1977)."""
    half = lamp_direction(light) + np.array((0, 0, 1), np.float32)
    half /= np.linalg.norm(half)
    shine = np.clip(normal @ half, 0, None) ** sharpness
    return np.asarray(light.strength * amount * shine * lit, np.float32)


def strand_gloss(along: Array, light: Light, lit: Array, amount: float) -> Array:
    """Return the reflection (rows, columns) of strands with unit tangents `along`.

    The model is that of Kajiya and Kay (1989).
    """
    half = lamp_direction(light) + np.array((0, 0, 1), np.float32)
    half /= np.linalg.norm(half)
    across = np.sqrt(np.clip(1 - (along @ half) ** 2, 0, 1))
    return np.asarray(light.strength * amount * across**28 * lit, np.float32)
