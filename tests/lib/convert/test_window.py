"""What a model sees of a frame is what it saw of the face when it was trained."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.align.geometry import Alignment, sub_crop, transform_points, window_edge
from lib.convert.window import Window, cut, inside, scale_of
from lib.data.augment import plain
from lib.data.faceset import cut_face
from lib.evaluation.score import CROP, score_cut

WINDOWS = [("face", 0.6875), ("face", 0.875), ("legacy", 0.6875), ("head", 1.0)]
STORED = 512


def trained(landmarks: Any, centring: str, coverage: float, size: int) -> Any:
    """From the frame to the network by way of a stored crop, step by step, and its pixel's size."""
    alignment = Alignment(landmarks)
    x, y, edge = sub_crop(alignment, STORED, "head", centring)
    matrix = alignment.matrix(STORED, "head")
    inner = window_edge(CROP, coverage)
    for corner, scale in (((x, y), CROP / edge), ([(CROP - inner) / 2] * 2, size / inner)):
        matrix[:, 2] += 0.5 - np.asarray(corner)
        matrix *= scale
        matrix[:, 2] -= 0.5
    return matrix, CROP / edge * size / inner


@pytest.mark.parametrize(("centring", "coverage"), WINDOWS)
@pytest.mark.parametrize("size", [64, 256])
def test_the_window_lies_where_it_lay_in_training(scene, centring, coverage, size) -> None:
    there, pixel = trained(scene.landmarks, centring, coverage, size)
    here = Window(centring, coverage).matrix(scene.landmarks, size)
    difference = transform_points(scene.landmarks, here) - transform_points(scene.landmarks, there)
    # On its way through a crop the corner of the window is rounded to whole pixels of it, and so
    # is half of its edge, which is at most two windows away.
    assert np.abs(difference).max() <= 1.0 * pixel
    assert np.ptp(difference) <= 1.5 * pixel


@pytest.mark.parametrize(("centring", "coverage"), WINDOWS)
def test_the_network_gets_what_evaluate_feeds_it(scene, centring, coverage) -> None:
    face = cut_face(scene.stored, score_cut(centring))[0]
    fed = plain(face[None], np.array([0]), 64, coverage)[0].astype(float)
    matrix = Window(centring, coverage).matrix(scene.landmarks, 64)
    ours = cut(scene.image, matrix, 64).astype(float)
    assert np.abs(ours - fed).mean() < 4
    assert abs((ours - fed).mean()) < 0.5


similarities = st.builds(
    lambda scale, angle, x, y: (scale, np.deg2rad(angle), x, y),
    st.floats(0.1, 5),
    st.floats(-180, 180),
    st.floats(-3, 3),
    st.floats(-3, 3),
)


@settings(max_examples=40, deadline=None)
@given(similarities)
def test_a_pixel_shows_what_lies_under_its_middle(similarity) -> None:
    scale, angle, x, y = similarity
    size, frame = 24, 400
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([(frame - 1) / 2 + x, (frame - 1) / 2 + y])
    matrix = np.column_stack([linear, (size - 1) / 2 - linear @ middle])
    assert scale_of(matrix) == pytest.approx(scale)
    across, down = np.meshgrid(np.arange(frame), np.arange(frame))
    ramps = np.stack([across, down, 399 - across], axis=-1) / 2  # half a grey level a pixel
    shown = cut(ramps.round().astype(np.uint8), matrix, size) * 2.0
    at = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1).reshape(-1, 2)
    place = (at - matrix[:, 2]) @ np.linalg.inv(linear).T
    inside = ((place >= 8) & (place <= frame - 9)).all(axis=1)
    error = np.abs(shown[..., :2].reshape(-1, 2) - place)[inside]
    assert error.size
    assert error.max() <= 2.5
    assert error.mean() <= 1


def test_outside_the_frame_is_black() -> None:
    matrix = np.array([[1.0, 0, 10], [0, 1, 0]])
    shown = cut(np.full((20, 20, 3), 200, np.uint8), matrix, 20)
    assert (shown[:, :9] == 0).all()
    assert (shown[:, 11:] == 200).all()


@pytest.mark.parametrize("size", [64, 512])
def test_landmarks_far_too_wide_take_no_memory(size: int) -> None:
    """A window of 200,000 pixels of the frame would be made of 10 to the 11th samples."""
    tracemalloc.start()
    matrix = np.array([[size / 2e5, 0, 0], [0, size / 2e5, 0]])
    shown = cut(np.full((480, 640, 3), 200, np.uint8), matrix, size)
    assert tracemalloc.get_traced_memory()[1] < 1e8
    tracemalloc.stop()
    assert shown.shape == (size, size, 3)


def test_of_a_window_five_thousand_pixels_wide_all_count() -> None:
    """Stripes a pixel wide, all of one grey level between them if none is passed over."""
    stripes = np.zeros((64, 5120, 3), np.uint8)
    stripes[:, ::2] = 200
    matrix = np.array([[256 / 5120, 0, 0], [0, 256 / 5120, 0]])
    shown = cut(stripes, matrix, 256)[1:2, 1:-1]
    assert np.abs(shown - 100.0).max() <= 12


@pytest.mark.parametrize(
    ("x", "y", "seen"), [(5, 5, 400), (-10, 52, 80), (100, 0, 0), (0, -20, 0), (-19, -19, 1)]
)
def test_tells_where_a_window_shows_the_frame(x: int, y: int, seen: int) -> None:
    """Of 20 pixels a side in a frame of 60, as large as the frame's."""
    matrix = np.array([[1.0, 0, -x], [0, 1, -y]])
    there = inside(matrix, 20, (60, 60, 3))
    assert np.broadcast_to(there, (20, 20)).sum() == seen
