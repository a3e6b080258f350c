"""A portrait: what each sample of the picture sees of the scene, and in what colour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.synthetic.camera import project
from lib.synthetic.grid import Array
from lib.synthetic.landmarks import project_landmarks
from lib.synthetic.parameters import Identity, Light, Pose, Shot
from lib.synthetic.raster import Indices, rasterise
from lib.synthetic.scene import Patch, posed_skin, scene
from lib.synthetic.shading import lamp_colour, lamp_direction
from lib.synthetic.texture import Atlas, atlas

_SUPERSAMPLE = 2


@dataclass(frozen=True)
class Portrait:
    """A uint8 BGR picture (size, size, 3) and its landmarks (68, 2); pixel centres are integers."""

    image: NDArray[np.uint8]
    landmarks: NDArray[np.float64]


def render(identity: Identity, shot: Shot, size: int = 256) -> Portrait:
    """Draw a head-and-shoulders portrait.

    Parameters
    ----------
    identity, shot
        Who, and how. The background and the place of the head depend on `shot` alone.
    size
        Edge of the picture in pixels.

    Returns
    -------
    Portrait
        The same for the same arguments on the same machine.
    """
    patches = scene(identity, shot)
    fine = size * _SUPERSAMPLE
    vertices, attributes, triangles = _join(patches, shot.pose, fine, atlas(identity))
    seen = rasterise(vertices, triangles, fine)
    a, b, c = (attributes[triangles[:, k][seen.triangles]] for k in range(3))
    values = a + seen.second[:, None] * (b - a) + seen.third[:, None] * (c - a)
    albedo = _look_up(atlas(identity).image, values[:, :2])
    colour = albedo * values[:, 2:5] + values[:, 5:6] * lamp_colour(shot.light)
    canvas = _background(shot.light, fine)
    canvas.reshape(-1, 3)[seen.pixels] = colour
    return Portrait(_develop(canvas, size), _landmarks(patches[0].points, shot.pose, size))


def locate(identity: Identity, shot: Shot, size: int = 256) -> NDArray[np.float64]:
    """Return the landmarks (68, 2) that `render` gives for these arguments, without a picture."""
    return _landmarks(posed_skin(identity, shot), shot.pose, size)


def _landmarks(skin: Array, pose: Pose, size: int) -> NDArray[np.float64]:
    return project_landmarks(project(skin, pose, size), pose.roll)


def _look_up(image: NDArray[np.uint8], at: Array) -> Array:
    """Linear albedo (n, 3) at atlas positions (n, 2)."""
    width = 512
    rows = -(-len(at) // width)
    grid = np.zeros((rows * width, 2), np.float32)
    grid[: len(at)] = at
    x, y = (np.ascontiguousarray(part.reshape(rows, width)) for part in grid.T)
    found = np.asarray(cv2.remap(image, x, y, cv2.INTER_LINEAR))
    root = found.reshape(-1, 3)[: len(at)].astype(np.float32) * np.float32(1 / 255)
    return np.asarray(root * root, np.float32)


def _develop(canvas: Array, size: int) -> NDArray[np.uint8]:
    """Average the samples and take linear light to display values, with a soft shoulder."""
    small = cv2.resize(np.minimum(canvas, 2.5), (size, size), interpolation=cv2.INTER_AREA)
    exposed = 1 - np.exp(-1.35 * small)
    return np.asarray(np.rint(np.sqrt(np.clip(exposed, 0, 1)) * 255), np.uint8)


def _background(light: Light, size: int) -> Array:
    """Paint a plain wall, brighter towards the lamp, as linear BGR (size, size, 3)."""
    hue = np.array([[[360 * light.backdrop, 0.45, 0.42]]], np.float32)
    base = cv2.cvtColor(hue, cv2.COLOR_HSV2BGR)[0, 0] ** 2
    t = np.linspace(-1, 1, size, dtype=np.float32)
    lamp = lamp_direction(light)
    fall = (
        1
        + 0.3 * lamp[0] * t[None, :]
        - 0.35 * t[:, None]
        - 0.25 * (t[None, :] ** 2 + t[:, None] ** 2)
    )
    return np.asarray(fall[..., None] * base * (light.ambient + 0.6 * light.strength), np.float32)


def _join(
    patches: list[Patch], pose: Pose, size: int, textures: Atlas
) -> tuple[Array, Array, Indices]:
    """One list of vertices (v, 3), their attributes (v, 6) and triangles (t, 3)."""
    vertices, attributes, triangles, start = [], [], [], 0
    for patch in patches:
        shape = patch.points.shape[:2]
        vertices.append(project(patch.points, pose, size).reshape(-1, 3))
        where = textures.coordinates(patch.texture, shape)
        packed = np.concatenate([where, patch.light, patch.gloss[..., None]], axis=-1)
        attributes.append(packed.reshape(-1, 6))
        triangles.append(patch.faces + np.int32(start))
        start += shape[0] * shape[1]
    return (
        np.concatenate(vertices),
        np.concatenate(attributes).astype(np.float32),
        np.concatenate(triangles),
    )
