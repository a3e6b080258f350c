"""Contrast-limited adaptive histogram equalisation on the device, of many faces at once.

A face is laid out in tiles, and each tile's histogram, clipped at a limit, gives a table that
evens its levels out (Zuiderveld, "Contrast Limited Adaptive Histogram Equalization", Graphics Gems
IV, 1994). A pixel takes what the tables of the four nearest tiles say, blended by its distance to
their middles. It is what `lib.data.kernels.equalise` makes, to the rounding of float32, and what
``cv2.createCLAHE`` would make if it rounded neither tables nor levels. Faces of one call may have
different numbers of tiles.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.data.colour import CLIP_LIMIT

LEVELS = 256


@dataclass(frozen=True, eq=False)
class Tiling:
    """Where the pixels of ``c`` faces lie among their tiles: numbers that the host works out.

    Tiles are numbered over a grid as large as the finest of the faces needs, and one tile more
    each way, which takes what a coarser face has no use for.

    Attributes
    ----------
    faces
        ``(c,)`` which faces these are, of all that are there.
    sources
        ``(p,)`` which row, and which column, of a face lies at each place of the face made larger:
        where tiles do not divide its edge, it is mirrored beyond that.
    owners
        ``(2, c, p)`` of each place's tile along y, and along x, where its table begins.
    corners
        ``(2, 2, c, edge)`` the like for the tiles before and after each pixel, along y and x.
    shares
        ``(c, edge)`` how far from the tile before to the one after each pixel is, 0 to 1.
    limits
        ``(c, 1, 1)`` the most pixels that a level of a tile's histogram keeps.
    scales
        ``(c, 1, 1)`` levels for each pixel of a tile.
    tables
        How many tables each face has.
    """

    faces: Tensor
    sources: Tensor
    owners: Tensor
    corners: Tensor
    shares: Tensor
    limits: Tensor
    scales: Tensor
    tables: int


def tiling(edge: int, tiles: NDArray[np.int64]) -> Tiling | None:
    """Lay faces out in tiles; on the host.

    Parameters
    ----------
    edge
        Edge of the faces in pixels, 2 or more.
    tiles
        ``(n,)`` tiles along the edge of each face; 0 for one that is not to be equalised.

    Returns
    -------
    Tiling or None
        None where no face is to be equalised.
    """
    faces = np.flatnonzero(tiles)
    if not faces.size:
        return None
    counts = tiles[faces, None]
    sizes = -(-edge // counts)
    most = int(counts.max()) + 1
    places = np.arange(int((counts * sizes).max()))
    period = places % (2 * (edge - 1))
    middles = np.arange(edge, dtype=np.float32) * (1 / sizes.astype(np.float32)) - np.float32(0.5)
    before = np.floor(middles)
    near = np.stack([before, before + 1]).clip(0, counts - 1).astype(np.int64)
    areas = (sizes * sizes)[..., None]
    return Tiling(
        torch.from_numpy(faces),
        torch.from_numpy(np.minimum(period, 2 * (edge - 1) - period)),
        torch.from_numpy(_starts(np.minimum(places // sizes, counts), most)),
        torch.from_numpy(_starts(near, most)),
        torch.from_numpy(middles - before),
        torch.from_numpy(np.maximum(CLIP_LIMIT * areas // LEVELS, 1).astype(np.int32)),
        torch.from_numpy((LEVELS - 1) / areas.astype(np.float32)),
        most * most,
    )


def _starts(tiles: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """What tiles add to a table's place along y, and along x, in a grid ``most`` tiles wide."""
    return LEVELS * np.stack([tiles * most, tiles])


def equalise(lightness: Tensor, tiling: Tiling) -> Tensor:
    """Equalise faces.

    Parameters
    ----------
    lightness
        ``(c, edge, edge)`` levels 0 to 255; they are rounded, as histograms are of whole ones.
    tiling
        Of these faces, on the same device.

    Returns
    -------
    Tensor
        As `lightness`, not rounded; float32.
    """
    levels = lightness.round().long()
    tables = _tables(_histograms(levels, tiling), tiling)
    return _blended(tables, levels, tiling)


def _histograms(levels: Tensor, tiling: Tiling) -> Tensor:
    """How many pixels of each tile are of each level, ``(c, tables, 256)``."""
    rows, columns = tiling.owners.unbind()
    places = levels.index_select(1, tiling.sources).index_select(2, tiling.sources)
    places = places.add_(rows[:, :, None]).add_(columns[:, None, :]).flatten(1)
    one = torch.ones((), dtype=torch.int32, device=levels.device)
    # Whole numbers, so that the order in which they are added up does not matter.
    found = one.new_zeros(len(levels), tiling.tables * LEVELS)
    found.scatter_add_(1, places, one.expand(places.shape))
    return found.view(-1, tiling.tables, LEVELS)


def _tables(histograms: Tensor, tiling: Tiling) -> Tensor:
    """What each tile makes of a level, ``(c, tables * 256)``.

    What is clipped off is given back to all levels alike; what does not divide goes to levels at
    even distances, from level 0 on.
    """
    kept = torch.minimum(histograms, tiling.limits)
    clipped = (histograms - kept).sum(-1, keepdim=True, dtype=torch.int32)
    left = clipped % LEVELS
    stride = LEVELS // left.clamp(min=1)
    level = torch.arange(LEVELS, dtype=torch.int32, device=histograms.device)
    more = (level % stride == 0) & (level < left * stride)
    counts = kept.add_(clipped // LEVELS).add_(more).cumsum(-1)
    return (counts * tiling.scales).flatten(1)


def _blended(tables: Tensor, levels: Tensor, tiling: Tiling) -> Tensor:
    """What the tables of the four tiles about each pixel say."""
    (above, below), (left, right) = (pair.unbind() for pair in tiling.corners.unbind())

    def said(rows: Tensor, columns: Tensor) -> Tensor:
        places = (rows[:, :, None] + columns[:, None, :]).add_(levels)
        return tables.gather(1, places.flatten(1)).view(places.shape)

    along = tiling.shares[:, None, :]
    upper = torch.lerp(said(above, left), said(above, right), along)
    lower = torch.lerp(said(below, left), said(below, right), along)
    return torch.lerp(upper, lower, tiling.shares[:, :, None])
