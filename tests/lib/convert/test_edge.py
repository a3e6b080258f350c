"""How masks get soft edges."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.config.convert import MaskOptions
from lib.convert.edge import soften

SIZE, RADIUS = 201, 60
FACE = RADIUS * np.sqrt(np.pi)
"""The root of the disc's area."""


def disc(radius: float = RADIUS, size: int = SIZE) -> Any:
    at = np.arange(size) - (size - 1) / 2
    return np.clip(radius + 0.5 - np.hypot(at, at[:, None]), 0, 1).astype(np.float32)


def distance_to(mask: Any, value: float) -> float:
    """From the middle to the right, until the mask falls below a value."""
    profile = mask[SIZE // 2, SIZE // 2 :]
    below = int(np.argmax(profile < value))
    return below - (value - profile[below]) / (profile[below - 1] - profile[below])


@pytest.mark.parametrize("erosion", [-20, -5, -0.4, 0, 0.4, 1, 5, 25])
def test_the_edge_moves_by_per_cent_of_the_face(erosion: float) -> None:
    moved = soften(disc(), MaskOptions(erosion=erosion, blur=0))
    assert distance_to(moved, 0.5) == pytest.approx(RADIUS - erosion / 100 * FACE, abs=0.5)


@pytest.mark.parametrize("blur", [2, 5, 20, 50])
def test_the_face_passes_into_the_frame_over_per_cent_of_it(blur: float) -> None:
    soft = soften(disc(), MaskOptions(erosion=0, blur=blur))
    width = blur / 100 * FACE
    # A Gaussian rises from 16 to 84 per cent over two of the four standard deviations.
    spread = distance_to(soft, 0.159) - distance_to(soft, 0.841)
    assert spread == pytest.approx(width / 2, rel=0.1, abs=1)
    assert distance_to(soft, 0.5) == pytest.approx(RADIUS, abs=0.03 * width + 0.5)
    assert distance_to((soft > 0).astype(float), 0.5) <= RADIUS + width / 2 + 3


@settings(max_examples=60, deadline=None)
@given(
    st.integers(8, 90),
    st.floats(-25, 25),
    st.floats(0, 50),
    st.sampled_from(["box", "disc", "empty", "noise"]),
)
def test_any_mask_ends_within_the_window(size: int, erosion: float, blur: float, kind: str) -> None:
    mask = {
        "box": np.ones((size, size), np.float32),
        "disc": disc(size * 0.7, size),
        "empty": np.zeros((size, size), np.float32),
        "noise": np.random.default_rng(size).random((size, size), np.float32),
    }[kind]
    before = mask.copy()
    soft = soften(mask, MaskOptions(erosion=erosion, blur=blur))
    np.testing.assert_array_equal(mask, before)
    assert soft.dtype == np.float32
    assert soft.shape == mask.shape
    assert soft.min() >= 0
    assert soft.max() <= 1
    assert not soft[[0, -1]].any()
    assert not soft[:, [0, -1]].any()
    if kind == "box":
        assert soft[size // 2, size // 2] > 0.5
