"""Albedo: procedural pictures of skin, lips, brows, irises, teeth, hair and cloth, in one atlas."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.synthetic.grid import EYE_CENTRE, EYE_SLIT, MOUTH_SLIT, MOUTH_Y, Array, mean_grid
from lib.synthetic.hair import HAIR_SHAPE, strands
from lib.synthetic.head import bump, smoothstep
from lib.synthetic.landmarks import BROW_X, BROW_Y, LIP_LOWER, LIP_UPPER, LIP_X
from lib.synthetic.parameters import Colour, Identity
from lib.synthetic.parts import (
    EAR_SHAPE,
    EYE_CAP,
    EYE_RINGS,
    EYE_SPOKES,
    IRIS,
    PUPIL,
    TEETH_SHAPE,
    TORSO_SHAPE,
)

_SKIN: tuple[Colour, ...] = (
    (0.27, 0.17, 0.12),
    (0.43, 0.28, 0.19),
    (0.64, 0.45, 0.33),
    (0.82, 0.62, 0.50),
    (0.93, 0.76, 0.67),
)
# texels per grid cell, rows and columns
_DENSITY = {
    "head": (5, 5),
    "eye": (6, 4),
    "teeth": (6, 6),
    "ear": (3, 3),
    "hair": (6, 5),
    "torso": (2, 2),
}
_SHAPES = {
    "eye": (EYE_RINGS, EYE_SPOKES),
    "teeth": TEETH_SHAPE,
    "ear": EAR_SHAPE,
    "hair": HAIR_SHAPE,
    "torso": TORSO_SHAPE,
}


class Atlas(NamedTuple):
    """`image` (h, w, 3) uint8 BGR: the square root of albedo; `places`: each patch's top row."""

    image: NDArray[np.uint8]
    places: dict[str, int]

    def coordinates(self, name: str, shape: tuple[int, int]) -> Array:
        """Atlas (x, y) of the vertices of patch `name`, (rows, columns, 2)."""
        per_row, per_column = _DENSITY[name]
        rows, columns = np.indices(shape, np.float32)
        return np.stack([columns * per_column, rows * per_row + self.places[name]], axis=-1)


@lru_cache(maxsize=32)
def atlas(who: Identity) -> Atlas:
    """Every albedo of one person."""
    rng = np.random.default_rng(who.seed)
    patches = {
        "head": _head(who, rng),
        "eye": _eye(who, rng),
        "teeth": _teeth(),
        "ear": _ear(who),
        "hair": _hair(who),
        "torso": _torso(who, rng),
    }
    width = max(p.shape[1] for p in patches.values())
    places, top, rows = {}, 0, []
    for name, patch in patches.items():
        places[name] = top
        padded = np.pad(patch, ((0, 2), (0, width - patch.shape[1]), (0, 0)), mode="edge")
        top += len(padded)
        rows.append(padded)
    image = np.concatenate(rows)[..., ::-1]
    # Display RGB (about gamma 2.2) to the square root of linear light.
    return Atlas(np.rint(255 * np.clip(image, 0, 1) ** 1.1).astype(np.uint8), places)


def skin_colour(who: Identity) -> Array:
    """Display RGB (3,) of the person's skin."""
    table = np.array(_SKIN, np.float32)
    at = np.clip(who.skin_tone, 0, 1) * (len(table) - 1)
    base = np.array(
        [np.interp(at, np.arange(len(table)), table[:, k]) for k in range(3)], np.float32
    )
    return base * (1 + who.skin_redness * np.array((0.03, -0.02, -0.035), np.float32))


def _blank(name: str, colour: Array) -> Array:
    rows, columns = _size(name)
    return np.broadcast_to(colour, (rows, columns, 3)).astype(np.float32)


def _size(name: str) -> tuple[int, int]:
    shape = _SHAPES.get(name) or mean_grid().shape
    density = _DENSITY[name]
    return (shape[0] - 1) * density[0] + 1, (shape[1] - 1) * density[1] + 1


def _noise(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> Array:
    small = rng.standard_normal((shape[0] // cells + 2, shape[1] // cells + 2)).astype(np.float32)
    return np.asarray(cv2.resize(small, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def _paint(image: Array, mask: Array, colour: Array | Colour) -> None:
    image += mask[..., None] * (np.asarray(colour, np.float32) - image)


def _skin_noise(rng: np.random.Generator, cells: int) -> Array:
    """Noise over the head's texels that runs on across the slits."""
    shape = _size("head")
    row = np.arange(shape[0])
    step = _DENSITY["head"][0]
    for first, count in ((mean_grid().mouth_row, MOUTH_SLIT), (mean_grid().eye_row, EYE_SLIT)):
        row = row - np.clip(row - first * step, 0, (count - 1) * step)
    return _noise(rng, shape, cells)[row]


@lru_cache(maxsize=1)
def _texels() -> tuple[Array, Array, Array]:
    """Canonical |x|, y and fractional grid row of every texel of the head."""
    grid = mean_grid()
    per_row, per_column = _DENSITY["head"]
    rows, columns = np.indices(_size("head"), np.float32)
    points = np.asarray(
        cv2.remap(grid.points, columns / per_column, rows / per_row, cv2.INTER_LINEAR), np.float32
    )
    front = np.asarray(
        cv2.remap(grid.front, columns / per_column, rows / per_row, cv2.INTER_LINEAR), np.float32
    )
    return np.abs(points[..., 0]) + 30 * (1 - front), points[..., 1], rows / per_row


def _head(who: Identity, rng: np.random.Generator) -> Array:
    x, y, row = _texels()
    skin = skin_colour(who)
    image = _blank("head", skin)
    blotch = 0.022 * _skin_noise(rng, 24) + 0.014 * _skin_noise(rng, 8)
    fade = 1 - 0.85 * smoothstep(-y, 13.0, 14.5)
    image *= (1 + fade * (blotch + 0.02 * _skin_noise(rng, 2)))[..., None]
    flush = (
        0.55 * bump(x, y, 4.0, -4.3, 2.1, 1.8)
        + 0.7 * bump(x, y, 0, -4.4, 1.5, 0.9)
        + 0.35 * bump(x, y, 0, -11.6, 1.8, 1.0)
        + 0.5 * bump(x, y, 1.9, -0.3, 0.5, 0.6)
    )
    warm = np.array((0.02, -0.10, -0.10), np.float32) * (1 + 0.5 * who.skin_redness)
    image *= 1 + flush[..., None] * warm
    _freckles(image, x, y, who, rng)
    _stubble(image, x, y, who, rng)
    _lips(image, x, y, who, rng)
    _brows(image, x, y, who, rng)
    _eyelids(image, x, y, row, skin)
    nostril = np.clip(1.25 * bump(x, y, 0.72, -5.42, 0.36, 0.17), 0, 1)
    _paint(image, 0.85 * nostril, skin * np.array((0.25, 0.15, 0.13), np.float32))
    grid = mean_grid()
    inside = smoothstep(row, grid.mouth_row + 0.5, grid.mouth_row + 1.0) * (
        1 - smoothstep(row, grid.mouth_row + MOUTH_SLIT - 2.0, grid.mouth_row + MOUTH_SLIT - 1.5)
    )
    _paint(image, inside, (0.42, 0.13, 0.13))
    return image


def _freckles(image: Array, x: Array, y: Array, who: Identity, rng: np.random.Generator) -> None:
    spots = smoothstep(_skin_noise(rng, 3), 1.25, 1.9)
    where = bump(x, y, 3.2, -3.6, 2.8, 2.2) + bump(x, y, 0, -2.5, 1.6, 2.2)
    _paint(
        image,
        0.55 * who.freckles * spots * np.clip(where, 0, 1),
        image.mean((0, 1)) * (0.72, 0.55, 0.45),
    )


def _stubble(image: Array, x: Array, y: Array, who: Identity, rng: np.random.Generator) -> None:
    grain = 0.75 + 0.25 * _skin_noise(rng, 1)
    low = smoothstep(-y - 0.25 * x, 6.2, 8.2) * (1 - smoothstep(-y, 13.2, 14.5))
    side = smoothstep(x, 4.6, 6.4) * smoothstep(-y, 3.0, 6.0) * (1 - smoothstep(-y, 13.2, 14.0))
    lip = bump(x, y, 1.3, -6.6, 1.9, 0.5)
    where = np.clip(np.maximum(np.maximum(low, side * (x < 20)), lip), 0, 1)
    dark = np.array(who.brow_colour, np.float32) * 0.8 + 0.2 * np.array(
        (0.28, 0.26, 0.27), np.float32
    )
    _paint(image, np.clip(0.62 * who.stubble * where * grain, 0, 1), dark)


def _lips(image: Array, x: Array, y: Array, who: Identity, rng: np.random.Generator) -> None:
    d = y - MOUTH_Y
    upper, lower = np.interp(x, LIP_X, LIP_UPPER), np.interp(x, LIP_X, LIP_LOWER)
    mask = smoothstep(upper + 0.1 - d, 0.0, 0.16) * smoothstep(d + lower + 0.12, 0.0, 0.2)
    mask *= smoothstep(mean_grid().mouth_x + 0.1 - x, 0.0, 0.25)
    skin = skin_colour(who)
    red = skin * 0.55 + 0.45 * (0.35 + 0.65 * who.skin_tone) * np.array(
        (0.72, 0.20, 0.24), np.float32
    )
    red *= 1 + who.lip_redness * np.array((0.10, -0.16, -0.10), np.float32)
    furrows = 1 + 0.04 * _skin_noise(rng, 3)
    _paint(image, np.asarray(0.9 * mask, np.float32), red)
    image *= (1 + mask * (furrows - 1))[..., None]
    line = np.exp(-((d / 0.12) ** 2)) * smoothstep(mean_grid().mouth_x + 0.35 - x, 0.0, 0.4)
    _paint(image, np.asarray(0.5 * line, np.float32), red * 0.45)


def _brows(image: Array, x: Array, y: Array, who: Identity, rng: np.random.Generator) -> None:
    knots = np.array(BROW_X)
    ridge = np.interp(x, knots, BROW_Y)
    along = np.clip((x - knots[0]) / (knots[-1] - knots[0]), 0, 1)
    thick = (0.36 + 0.13 * who.brow_thickness) * np.interp(
        along, (0, 0.15, 0.5, 1), (0.85, 1.0, 0.95, 0.3)
    )
    hairs = 1 + 0.35 * _skin_noise(rng, 2)
    ends = smoothstep(x, knots[0] - 0.45, knots[0] + 0.25) * (
        1 - smoothstep(x, knots[-1] - 0.3, knots[-1] + 0.25)
    )
    mask = np.exp(-(np.abs((y - ridge + 0.1) / thick) ** 2.4)) * ends * hairs
    _paint(image, np.clip(0.85 * mask, 0, 1).astype(np.float32), who.brow_colour)


def _eyelids(image: Array, x: Array, y: Array, row: Array, skin: Array) -> None:
    grid = mean_grid()
    above = row < grid.eye_row + EYE_SLIT / 2
    span = np.clip(1 - ((x - EYE_CENTRE) / 1.72) ** 2, 0, 1) ** 0.35
    shadow = bump(x, y, EYE_CENTRE, 0.2, 2.0, 1.0) * 0.3
    _paint(image, shadow, skin * np.array((0.72, 0.6, 0.58), np.float32))
    crease = (
        np.exp(-(((y - 0.62) / 0.13) ** 2)) * bump(x, y, EYE_CENTRE + 0.1, 0.62, 1.7, 2) * above
    )
    _paint(
        image, np.asarray(0.45 * crease, np.float32), skin * np.array((0.5, 0.36, 0.32), np.float32)
    )
    lash = np.where(above, np.exp(-((y / 0.17) ** 2)), 0.4 * np.exp(-((y / 0.1) ** 2))) * span
    _paint(image, np.asarray(0.92 * lash, np.float32), (0.07, 0.05, 0.05))
    rim = (row > grid.eye_row + 0.3) & (row < grid.eye_row + EYE_SLIT - 1.3)
    colour = skin * np.array((0.75, 0.5, 0.47), np.float32)
    _paint(image, np.asarray(rim & above, np.float32), colour * 0.4)
    _paint(image, np.asarray(rim & ~above, np.float32), colour)


def _eye(who: Identity, rng: np.random.Generator) -> Array:
    rows, columns = _size("eye")
    polar = np.linspace(0, EYE_CAP, rows, dtype=np.float32)[:, None] + np.zeros(
        (1, columns), np.float32
    )
    image = _blank("eye", np.array((0.86, 0.83, 0.81), np.float32))
    veins = smoothstep(polar, 0.4, 0.9)
    _paint(image, 0.35 * veins, (0.78, 0.6, 0.56))
    rays = rng.standard_normal((1, columns)).astype(np.float32)
    rays = cv2.GaussianBlur(np.tile(rays, (1, 3)), (0, 0), 0.9)[:, columns : 2 * columns] * (1,)
    iris = np.array(who.eye_colour, np.float32) * (
        1 + 0.5 * rays[..., None] * (polar < IRIS)[..., None]
    )
    iris = iris * np.interp(polar / IRIS, (0.4, 0.65, 0.85, 1.0), (1.2, 1.15, 0.9, 0.4))[..., None]
    image += (1 - smoothstep(polar, IRIS - 0.025, IRIS + 0.025))[..., None] * (iris - image)
    _paint(image, 1 - smoothstep(polar, PUPIL - 0.02, PUPIL + 0.02), (0.02, 0.02, 0.02))
    return np.asarray(image, np.float32)


def _teeth() -> Array:
    rows, columns = _size("teeth")
    image = _blank("teeth", np.array((0.86, 0.82, 0.73), np.float32))
    across = np.linspace(0, 10, columns, dtype=np.float32)
    gap = np.exp(-(((across - np.rint(across)) / 0.07) ** 2)) + np.zeros((rows, 1))
    _paint(image, np.asarray(0.55 * gap, np.float32), (0.45, 0.33, 0.28))
    return image


def _ear(who: Identity) -> Array:
    image = _blank("ear", skin_colour(who) * np.array((1.0, 0.88, 0.85), np.float32))
    rows, _ = _size("ear")
    radial = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    bowl = (
        1 - 0.35 * np.exp(-((radial / 0.35) ** 2)) - 0.18 * np.exp(-(((radial - 0.68) / 0.08) ** 2))
    )
    return np.asarray(image * bowl[..., None], np.float32)


def _hair(who: Identity) -> Array:
    size = _size("hair")
    shade = (
        1
        + 0.3 * strands(size, who.seed + 1)
        + 0.12 * strands((size[0], size[1] * 2), who.seed + 2)[:, ::2]
    )
    colour = np.array(who.hair_colour, np.float32)
    if who.hair_style == "shaved":
        grain = 0.12 * _noise(np.random.default_rng(who.seed + 3), size, 1)
        return np.asarray(
            (0.7 * colour + 0.3 * skin_colour(who)) * (1 + grain)[..., None], np.float32
        )
    return np.clip(colour * shade[..., None], 0.01, 1).astype(np.float32)


def _torso(who: Identity, rng: np.random.Generator) -> Array:
    image = _blank("torso", np.array(who.shirt_colour, np.float32))
    return image * (1 + 0.05 * _noise(rng, _size("torso"), 1))[..., None]
