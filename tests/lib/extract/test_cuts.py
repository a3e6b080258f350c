from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.extract.cuts import Cuts
from lib.media.source import open_source


def scenery(seed: int, width: int = 400) -> NDArray[np.uint8]:
    small = np.random.default_rng(seed).integers(0, 256, (3, width // 32, 3), dtype=np.uint8)
    return cv2.resize(small, (width, 96), interpolation=cv2.INTER_CUBIC)


def test_another_scene_is_a_cut_and_a_fast_pan_is_none() -> None:
    cuts, frames, changes = Cuts(), [], []
    for seed in (0, 1):
        wide, places = scenery(seed), np.cumsum(2 * (8 - abs(np.arange(-8, 9)))).tolist()
        frames += [wide[:, at : at + 128] for at in places]
        changes.append(cv2.absdiff(frames[-8], frames[-9]).mean())
    assert min(changes) > 15
    assert [at for at, frame in enumerate(frames) if cuts(frame)] == [0, 17]


def test_a_shaken_camera_is_no_row_of_cuts() -> None:
    cuts, wide = Cuts(), scenery(0)
    assert sum(cuts(wide[:, at % 2 * 100 :][:, :128]) for at in range(20)) <= 2


def test_real_clips_one_after_the_other(grid: Path) -> None:
    """All speakers sit before the same blue wall."""
    cuts, frames = Cuts(), []
    for name in ("bbaf2n", "sbia1a", "brbk7n", "lbbc2a"):
        frames += [frame.image for frame in open_source(grid.parent / f"{name}.mpg").frames()]
    assert [at for at, frame in enumerate(frames) if cuts(frame)] == [0, 75, 150, 225]
