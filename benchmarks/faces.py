"""Faces to measure with: two consenting speakers where their clips are at hand, else rendered."""

from pathlib import Path

import numpy as np

from lib.synthetic.dataset import write_faces
from lib.synthetic.parameters import Identity
from lib.synthetic.performance import performance

GRID = Path(__file__).parents[2] / "shared" / "data" / "grid" / "faces"
SPEAKERS = [GRID / "bbaf2n", GRID / "sbia1a"]


def are_real() -> bool:
    """Whether the two speakers' faces are at hand."""
    return all(path.is_dir() for path in SPEAKERS)


def pair(folder: Path, count: int = 75) -> list[Path]:
    """Folders of two people's faces; rendered ones are written into `folder`."""
    if are_real():
        return SPEAKERS
    rendered = [folder / side for side in "ab"]
    rng = np.random.default_rng(0)
    for path in rendered:
        path.mkdir()
        write_faces(path, Identity.random(rng), performance(rng, count), "face")
    return rendered
