"""How much of the trained window masks cover, and which masks are doubted."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lib.align import masks
from lib.align.tables import MEAN_FACE_51
from lib.data.faceset import Cut, FaceSet, load_faces
from lib.data.mask_share import MaskShares, measure_masks

CENTRINGS = ["face", "head", "legacy"]
COVERAGES = [0.625, 0.6875, 0.8, 1.0]


def make_landmarks(size: int) -> NDArray[np.float64]:
    angle = np.linspace(np.pi, 0, 17)
    jaw = np.column_stack([0.5 + 0.6 * np.cos(angle), 0.2 + np.sin(angle)])
    return np.vstack([jaw, MEAN_FACE_51]) * size * 0.4 + size * 0.3


def make_faces(planes: list[NDArray[np.uint8]], landmarks: NDArray[np.float64]) -> FaceSet:
    """Faces with these face masks and with the same landmarks each."""
    size = len(planes[0])
    stack = np.zeros((len(planes), size, size, 3), np.uint8)
    stack[..., 0] = planes
    paths = tuple(f"/faces/{index}.png" for index in range(len(planes)))
    every = np.tile(landmarks.astype(np.float32), (len(planes), 1, 1))
    return FaceSet(paths, np.zeros_like(stack), stack, every)


def shares_of(*planes: NDArray[np.uint8]) -> MaskShares:
    return measure_masks(make_faces(list(planes), make_landmarks(len(planes[0]))), 0.6875)


@given(st.integers(16, 100), st.floats(0.625, 1), st.integers(0, 99))
def test_shares_are_counted_in_the_window(size: int, coverage: float, seed: int) -> None:
    plane = np.random.default_rng(seed).integers(0, 256, (size, size), np.uint8)
    landmarks = make_landmarks(size)
    shares = measure_masks(make_faces([plane, plane], landmarks), coverage)
    edge = int(size * coverage // 2) * 2
    counted = inside = hits = 0
    face = masks.components(landmarks.astype(np.float32), size)
    start = (size - edge) // 2
    for y in range(start, start + edge):
        for x in range(start, start + edge):
            counted += plane[y, x] > 127
            inside += face[y, x] > 0
            hits += plane[y, x] > 127 and face[y, x] > 0
    np.testing.assert_allclose(shares.window, counted / edge**2)
    np.testing.assert_allclose(shares.face, hits / inside)
    assert len(shares) == 2


def test_faces_without_landmarks_are_not_measured() -> None:
    planes = [np.full((32, 32), value, np.uint8) for value in (255, 0, 255)]
    faces = make_faces(planes, make_landmarks(32))
    faces.landmarks[1] = np.nan
    shares = measure_masks(faces, 0.75)
    assert shares.paths == ("/faces/0.png", "/faces/2.png")
    assert shares.window.tolist() == [1, 1]


def test_a_face_outside_the_window_misses_nothing() -> None:
    full = np.full((64, 64), 255, np.uint8)
    shares = measure_masks(make_faces([full], make_landmarks(64) + 500), 0.75)
    assert (shares.window[0], shares.face[0]) == (1, 1)


def test_the_summary_gives_mean_and_range() -> None:
    shares = MaskShares(("a", "b", "c"), np.array([0.41, 0.52, 0.48]), np.ones(3))
    assert shares.summary == "covers 47% of the trained window (41% to 52%)"
    assert shares.doubts == []


def test_empty_masks_are_counted_and_the_first_is_named() -> None:
    drawn = masks.components(make_landmarks(64), 64)
    faint = np.full_like(drawn, 100)
    shares = shares_of(drawn, np.zeros_like(drawn), np.zeros_like(drawn), faint)
    assert shares.doubts == [
        "is empty in 3 of 4 faces, such as /faces/1.png: take them out or choose another mask_type"
    ]


def test_empty_masks_leave_the_others_to_be_judged() -> None:
    drawn = masks.components(make_landmarks(64), 64)
    doubts = shares_of(np.zeros_like(drawn), np.invert(drawn)).doubts
    assert doubts[0].startswith("is empty in 1 of 2 faces, such as /faces/0.png")
    assert doubts[1].startswith("covers only 0% of the face that the landmarks show")
    assert len(shares_of(np.zeros_like(drawn)).doubts) == 1


def test_a_name_that_breaks_the_line_is_kept_on_it() -> None:
    shares = MaskShares(("a\nb.png",), np.zeros(1), np.zeros(1))
    assert "such as a\\nb.png:" in shares.doubts[0]


@pytest.mark.parametrize("per_cent", [-5, 0, 5])
@pytest.mark.parametrize("centring", CENTRINGS)
@pytest.mark.parametrize("mask_type", ["components", "extended"])
def test_right_masks_of_real_faces_pass_and_inverted_ones_do_not(
    grid: Path, centring: str, mask_type: str, per_cent: int
) -> None:
    paths = [str(path) for path in sorted(grid.glob("*/*.png"))[::12]]
    hard, _ = load_faces(paths, Cut(94, centring, mask_type, 0, 0), "A")
    for coverage in COVERAGES:
        for inverted in (False, True):
            faces = hard.subset(range(len(hard)))
            for mask, plane in zip(hard.masks[..., 0], faces.masks[..., 0], strict=True):
                turned = np.invert(mask) if inverted else mask
                plane[:] = masks.refine(masks.dilate(turned, per_cent), 3, 4)
            doubts = measure_masks(faces, coverage).doubts
            if inverted:
                assert doubts
                assert all("may be inverted" in text or "is empty" in text for text in doubts)
            elif centring == "legacy" and coverage < 0.65 and per_cent > 0:
                # A mask as large as that fills the smallest window, and the user should know.
                assert "so next to nothing is left out" in doubts[0]
            else:
                assert doubts == []
