"""A face goes back to where it was cut out, and nothing else changes."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.align.geometry import transform_points
from lib.align.masks import extended
from lib.config.convert import MaskOptions
from lib.convert.edge import soften
from lib.convert.lay import lay
from lib.convert.window import Window, cut, scale_of

FRAME = (90, 120)


def rounded(size: int) -> Any:
    """A mask that is whole but for the window's border."""
    mask = np.ones((size, size), np.float32)
    mask[[0, -1]] = mask[:, [0, -1]] = 0
    return mask


@pytest.mark.parametrize("times", [1.0, 1.2, 1.6, 2.0, 3.5])
def test_a_model_that_returns_its_input_changes_next_to_nothing(scene, times: float) -> None:
    """Of a window at least as fine as the frame; a coarser one can't hold what the frame shows."""
    window = Window("face", 0.6875)
    size = round(100 / scale_of(window.matrix(scene.landmarks, 100)) * times)
    matrix = window.matrix(scene.landmarks, size)
    face = cut(scene.image, matrix, size).astype(np.float32) / 255
    drawn = extended(transform_points(scene.landmarks, matrix), size)
    mask = soften(drawn.astype(np.float32) / 255, MaskOptions())
    result = scene.image.copy()
    lay(result, face, mask, matrix)
    height, width = result.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shares = cv2.warpAffine(mask, matrix, (width, height), flags=flags)
    reached = cv2.dilate(shares, np.ones((3, 3))) > 0
    np.testing.assert_array_equal(result[~reached], scene.image[~reached])
    error = (result.astype(int) - scene.image)[shares > 0.99]
    assert 0 < np.abs(error).mean() <= 1.5
    assert np.abs(error).max() <= 40
    assert abs(error.mean()) < 0.1


@st.composite
def placements(draw) -> tuple[int, Any]:
    """Windows of any size, turned anyhow, that reach beyond the frame or lie outside."""
    size = draw(st.integers(8, 80))
    scale = draw(st.floats(0.25, 6))
    angle = np.deg2rad(draw(st.floats(-180, 180)))
    middle = np.array([draw(st.floats(-40, 160)), draw(st.floats(-40, 130))])
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return size, np.column_stack([linear, (size - 1) / 2 - linear @ middle])


@settings(max_examples=100, deadline=None)
@given(placements())
def test_every_pixel_gets_what_lies_over_its_middle(placement) -> None:
    size, matrix = placement
    across, down = (part.astype(np.float32) for part in np.meshgrid(*[np.arange(size)] * 2))
    face = np.stack([across, down, size - 1 - across], axis=-1) / (size - 1)
    frame = np.full((*FRAME, 3), 77, np.uint8)
    lay(frame, face, rounded(size), matrix)
    at = np.stack(np.meshgrid(np.arange(FRAME[1]), np.arange(FRAME[0])), axis=-1).reshape(-1, 2)
    there = (at @ matrix[:, :2].T + matrix[:, 2]).reshape(*FRAME, 2)
    step = max(1.0, scale_of(matrix))
    outside = ((there < -step) | (there > size - 1 + step)).any(axis=-1)
    assert (frame[outside] == 77).all()
    margin = 4 + step
    inside = ((there > margin) & (there < size - 1 - margin)).all(axis=-1)
    expected = np.concatenate([there, size - 1 - there[..., :1]], axis=-1) / (size - 1) * 255
    # OpenCV's kernels take a ramp to be up to a tenth of a pixel elsewhere.
    allowed = 0.51 + 255 / (size - 1) / 10
    assert np.abs(frame - expected)[inside].max(initial=0) <= allowed


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_a_mask_says_how_much_of_the_face_shows_without_bias(share: float) -> None:
    rng = np.random.default_rng(0)
    before = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    face = rng.random((64, 64, 3)).astype(np.float32)
    frame = before.copy()
    lay(frame, face, np.full((64, 64), share, np.float32), np.eye(2, 3))
    exact = before + share * (face * 255 - before)
    assert np.abs(frame - exact).max() <= 0.5 + 1e-3
    assert abs((frame - exact).mean()) < 0.01


def test_overshoot_of_the_interpolation_is_cut_off() -> None:
    face = np.zeros((16, 16, 3), np.float32)
    face[:, 8:] = 1
    frame = np.full((160, 160, 3), 9, np.uint8)
    lay(frame, face, rounded(16), np.array([[0.1, 0, 0], [0, 0.1, 0]]))
    assert set(np.unique(frame[40:120, [40, 120]])) == {0, 255}


def test_an_empty_mask_changes_nothing() -> None:
    frame = np.full((20, 20, 3), 9, np.uint8)
    lay(frame, np.ones((8, 8, 3), np.float32), np.zeros((8, 8), np.float32), np.eye(2, 3))
    assert (frame == 9).all()
