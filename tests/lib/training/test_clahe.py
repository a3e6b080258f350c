"""Equalisation of many faces at once, against OpenCV's and the processor's of one at a time."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.data.colour import CLIP_LIMIT
from lib.data.kernels import kernels
from lib.training.clahe import equalise, tiling


def planes(count: int, edge: int, seed: int) -> np.ndarray:
    """Lightness of soft pictures, with a few levels of noise on them; every third is noise."""
    rng = np.random.default_rng(seed)
    made = rng.integers(0, 256, (count, edge, edge), np.uint8)
    for plane in made[np.arange(count) % 3 > 0]:
        coarse = rng.uniform(20, 200, (4, 4))
        soft = cv2.resize(coarse, (edge, edge), interpolation=cv2.INTER_LINEAR)
        plane[:] = soft + rng.uniform(0, 8, (edge, edge))
    return made


def by_processor(face: np.ndarray, tiles: int) -> np.ndarray:
    """By the kernels of `lib.data.kernels.equalise`."""
    edge = len(face)
    found, mixed = np.empty((tiles, tiles, 256), np.float32), np.empty(tiles * 256, np.float32)
    result = np.empty(face.shape, np.float32)
    kernels().curves(face, tiles, CLIP_LIMIT, found)
    kernels().blend(face, found, -(-edge // tiles), (0, edge, 0, edge), mixed, result)
    return result


def assert_equalised(faces: np.ndarray, tiles: np.ndarray) -> None:
    """OpenCV rounds its tables and what it blends of them, by half a level at most each."""
    plan = tiling(faces.shape[1], tiles)
    assert plan is not None
    ours = equalise(torch.from_numpy(faces)[plan.faces].float(), plan).numpy()
    assert plan.faces.tolist() == np.flatnonzero(tiles).tolist()
    for face, count, result in zip(faces[tiles > 0], tiles[tiles > 0].tolist(), ours, strict=True):
        np.testing.assert_allclose(result, by_processor(face, count), atol=1e-3)
        rounded = cv2.createCLAHE(2.0, (count, count)).apply(face)
        assert np.abs(result - rounded).max() <= 1.001


@pytest.mark.parametrize("edge", [64, 94, 97, 256])
def test_faces_of_different_tiles_are_equalised_at_once(edge: int) -> None:
    assert_equalised(planes(7, edge, edge), np.array([1, 2, 3, 0, 4, 5, 7]))


@settings(max_examples=60, deadline=None)
@given(
    edge=st.integers(16, 80),
    tiles=st.lists(st.integers(0, 9), min_size=1, max_size=4).filter(any),
    seed=st.integers(0, 1000),
)
def test_any_edge_and_tiles(edge: int, tiles: list[int], seed: int) -> None:
    assert_equalised(planes(len(tiles), edge, seed), np.array(tiles))


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_face_of_one_level(level: int) -> None:
    assert_equalised(np.full((2, 50, 50), level, np.uint8), np.array([3, 4]))


def test_a_face_does_not_depend_on_those_beside_it() -> None:
    faces = planes(3, 60, 1)
    plan, alone = tiling(60, np.array([2, 9, 4])), tiling(60, np.array([2]))
    together = equalise(torch.from_numpy(faces).float(), plan)
    assert torch.equal(together[:1], equalise(torch.from_numpy(faces[:1]).float(), alone))


def test_without_tiles_there_is_nothing_to_do() -> None:
    assert tiling(94, np.zeros(3, int)) is None
