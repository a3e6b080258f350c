"""A face, another one's in its place, and the window that both are of."""

from dataclasses import replace

import numpy as np
import pytest

from lib.convert.swap import Swap
from lib.convert.window import Window, cut
from lib.synthetic.parameters import Identity, Shot
from lib.synthetic.render import render

SIZE = 64


@pytest.fixture(scope="session")
def swap() -> Swap:
    """Two people in one pose, the swapped one in other light."""
    first, second = (Identity.random(np.random.default_rng(seed)) for seed in (1, 2))
    shot, other = (Shot.random(np.random.default_rng(seed)) for seed in (3, 4))
    target = render(first, shot, 160)
    swapped = render(second, replace(shot, light=other.light), 160)
    matrix = Window("face", 0.6875).matrix(target.landmarks, SIZE)
    face, window = (
        cut(image, matrix, SIZE).astype(np.float32) / 255 for image in (swapped.image, target.image)
    )
    landmarks = target.landmarks @ matrix[:, :2].T + matrix[:, 2]
    across = np.linspace(-0.2, 1.2, SIZE, dtype=np.float32)
    return Swap(face, window, landmarks, matrix, np.tile(across, (SIZE, 1)))
