"""The scene: every part of a person, posed, lit and cut into triangles."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lib.synthetic.camera import body, place
from lib.synthetic.grid import EYE_CENTRE, EYE_SLIT, MOUTH_SLIT, MOUTH_Y, Array, mean_grid
from lib.synthetic.hair import hair
from lib.synthetic.head import bump, smoothstep
from lib.synthetic.landmarks import LIP_LOWER, LIP_UPPER, LIP_X
from lib.synthetic.motion import posed_head
from lib.synthetic.parameters import Identity, Light, Shot
from lib.synthetic.parts import ears, eyes, teeth, torso
from lib.synthetic.raster import Indices
from lib.synthetic.shading import (
    ShadowMap,
    gloss,
    irradiance,
    lamp_direction,
    normals,
    strand_gloss,
    unit,
)


class Patch(NamedTuple):
    """A lit grid.

    `points` (rows, columns, 3) in camera space, BGR `light` (rows, columns, 3), `gloss` (rows,
    columns), the name of its `texture`, and its triangles (n, 3).
    """

    points: Array
    light: Array
    gloss: Array
    texture: str
    faces: Indices


def posed_skin(who: Identity, shot: Shot) -> Array:
    """Place the skin's grid (rows, columns, 3) in camera space; the neck turns part of the way."""
    return place(posed_head(who, shot.expression), shot.pose, _neck_follow())


def scene(who: Identity, shot: Shot) -> list[Patch]:
    """Return every part, in camera space and lit; the skin comes first."""
    light, pose = shot.light, shot.pose
    skin = posed_skin(who, shot)
    locks, faces = _hair(who)
    mop = place(locks, pose, np.clip(1 + (locks[..., 1] + 9) / 16, 0.35, 1))
    grown = mop.reshape(-1, 3)[np.unique(faces)]
    shadow = ShadowMap(np.concatenate([skin.reshape(-1, 3), grown]), lamp_direction(light))
    patches = [_skin(skin, light, shadow)]
    patches += _hair_patches(mop, who, light, shadow)
    for ear in _ears(who):
        patches.append(_plain(place(ear, pose), light, shadow, "ear", 0.85, 12.0, 0.04))
    for ball in eyes(who, shot.expression):
        patches.append(_eye(place(ball, pose), light, shadow))
    opened = smoothstep(np.array(shot.expression.mouth_open), -0.3, 1.0)
    for row in teeth(who, shot.expression):
        patches.append(
            _plain(place(row, pose), light, shadow, "teeth", 0.25 + 0.4 * float(opened), 40.0, 0.1)
        )
    shirt = place(torso(), body(pose))
    patches.append(_plain(shirt, light, shadow, "torso", 0.85, 4.0, 0.02))
    return patches


@lru_cache(maxsize=32)
def _hair(who: Identity) -> tuple[Array, Indices]:
    """Points and triangles of the hair."""
    points, grown = hair(who)
    faces = _triangles(grown.shape)
    return points, faces[grown.ravel()[faces].any(axis=1)]


@lru_cache(maxsize=32)
def _ears(who: Identity) -> tuple[Array, Array]:
    return ears(who)


@lru_cache(maxsize=1)
def _neck_follow() -> Array:
    grid = mean_grid()
    rows = np.arange(grid.shape[0], dtype=np.float32)[:, None]
    follow = 1 - 0.9 * smoothstep(rows, grid.jaw_row + 2, grid.shape[0] - 1)
    return np.broadcast_to(follow, grid.shape)


@lru_cache(maxsize=1)
def _occlusion() -> tuple[Array, Array]:
    """Share of the room that each vertex of the skin sees, and how glossy it is."""
    grid = mean_grid()
    x, y = np.abs(grid.points[..., 0]), grid.points[..., 1]
    rows = np.arange(grid.shape[0], dtype=np.float32)[:, None]
    dark = (
        0.3 * bump(x, y, EYE_CENTRE - 0.5, 0.9, 2.2, 0.7)
        + 0.3 * bump(x, y, 1.85, -0.2, 0.6, 1.0)
        + 0.4 * bump(x, y, 0, -5.9, 1.5, 0.4)
        + 0.25 * bump(x, y, 2.1, -4.6, 0.35, 0.9)
        + 0.3 * bump(x, y, grid.mouth_x + 0.1, MOUTH_Y, 0.35, 0.35)
        + 0.25 * bump(x, y, 0, -9.85, 1.7, 0.3)
    )
    dark = dark * grid.front
    dark = dark + 0.5 * smoothstep(rows, grid.jaw_row - 1, grid.jaw_row + 3)
    inside = (rows > grid.mouth_row) & (rows < grid.mouth_row + MOUTH_SLIT - 1)
    deep = (rows > grid.mouth_row + 1) & (rows < grid.mouth_row + MOUTH_SLIT - 2)
    dark = np.where(inside & (x < grid.mouth_x), np.where(deep, 0.88, 0.6), dark)
    d = y - MOUTH_Y
    lips = (d < np.interp(x, LIP_X, LIP_UPPER)) & (d > -np.interp(x, LIP_X, LIP_LOWER))
    shine = np.where(lips & (x < grid.mouth_x), 0.16, 0.085) * grid.front
    shine = np.where(inside | (np.abs(rows - grid.eye_row - 1.5) < EYE_SLIT / 2), 0.02, shine)
    return (1 - np.clip(dark, 0, 0.92)).astype(np.float32), shine.astype(np.float32)


def _skin(points: Array, light: Light, shadow: ShadowMap) -> Patch:
    grid = mean_grid()
    normal = normals(points)
    for first, count, corner in (
        (grid.eye_row, EYE_SLIT, None),
        (grid.mouth_row, MOUTH_SLIT, grid.mouth_x),
    ):
        _weld(normal, first, count, corner)
    normal = unit(normal)
    open_, shine = _occlusion()
    lit = shadow.lit(points)
    glow = gloss(normal, light, lit, 14.0, shine) + gloss(normal, light, lit, 50.0, 0.6 * shine)
    return Patch(points, irradiance(normal, light, lit, open_), glow, "head", _skin_faces())


def _weld(normal: Array, first: int, count: int, corner: float | None) -> None:
    """Give both lips of a slit one normal wherever it is shut for good."""
    x = np.abs(mean_grid().points[first, :, 0])
    front = mean_grid().front[first] > 0.5
    inside = (x < corner - 1e-3) if corner is not None else (np.abs(x - EYE_CENTRE) < 1.6)
    shut = ~(inside & front)
    rows = slice(first, first + count)
    normal[rows, shut] = normal[rows, shut].sum(axis=0)


def _hair_patches(mop: Array, who: Identity, light: Light, shadow: ShadowMap) -> list[Patch]:
    normal = unit(normals(mop))
    lit = 0.35 + 0.65 * shadow.lit(mop)
    rows = mop.shape[0]
    open_ = np.broadcast_to(np.linspace(1.0, 0.6, rows, dtype=np.float32)[:, None], mop.shape[:2])
    along = unit(np.gradient(mop, axis=0).astype(np.float32))
    tint = float(np.mean(who.hair_colour))
    sheen = 0.0 if who.hair_style == "shaved" else 0.05 + 0.22 * tint
    faces = _hair(who)[1]
    glow = strand_gloss(along, light, lit, sheen)
    outer = Patch(mop, irradiance(normal, light, lit, open_), glow, "hair", faces)
    dim = np.full_like(mop, 0.18 * (light.ambient + 0.3 * light.strength))
    lining = Patch(mop, dim, np.zeros_like(glow), "hair", faces[:, ::-1])
    return [outer, lining]


def _plain(
    points: Array,
    light: Light,
    shadow: ShadowMap,
    name: str,
    open_: float,
    sharpness: float,
    amount: float,
) -> Patch:
    normal = unit(normals(points))
    lit = shadow.lit(points) * (1 if open_ > 0.8 else open_)
    share = np.full(points.shape[:2], open_, np.float32)
    glow = gloss(normal, light, lit, sharpness, amount)
    return Patch(points, irradiance(normal, light, lit, share), glow, name, _triangles(share.shape))


def _eye(points: Array, light: Light, shadow: ShadowMap) -> Patch:
    normal = unit(normals(points))
    normal[0] = normal[1].mean(axis=0)
    lid = smoothstep(points[..., 1] - points[0, 0, 1], 0.0, 0.75)
    share = np.asarray(0.85 - 0.5 * lid, np.float32)
    lit = (0.4 + 0.6 * shadow.lit(points)) * (1 - 0.45 * lid)
    glow = gloss(normal, light, lit, 220.0, 2.2)
    return Patch(
        points, irradiance(normal, light, lit, share), glow, "eye", _triangles(share.shape)
    )


@lru_cache(maxsize=16)
def _triangles(shape: tuple[int, ...], without: int = -1) -> Indices:
    """Two triangles for every cell of a grid, but for the cells under row `without`."""
    index = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    pairs = np.stack([np.stack([a, b, c], -1), np.stack([b, d, c], -1)], axis=2)
    kept = np.arange(shape[0] - 1) != without
    return np.asarray(pairs[kept].reshape(-1, 3), np.int32)


def _skin_faces() -> Indices:
    """Triangles of the skin: between the rims of the lids it is open, and the eyeballs show."""
    return _triangles(mean_grid().shape, mean_grid().eye_row + 1)
