"""Real clips."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lib.media.source import open_source


@pytest.fixture(scope="session")
def clip(grid: Path) -> Callable[[str], list[NDArray[np.uint8]]]:
    """The frames of a real clip, by its name."""
    return lambda name: [frame.image for frame in open_source(grid.parent / f"{name}.mpg").frames()]


@pytest.fixture(params=["bbaf2n", "sbia1a", "brbk7n", "lbbc2a"])
def clip_name(request: pytest.FixtureRequest) -> str:
    """Each real clip."""
    return str(request.param)
