from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lib.synthetic.parameters import Identity
from lib.synthetic.performance import performance
from lib.synthetic.render import Portrait, render
from plugins.extract.detect.blazeface import Detect, merge, scales

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def portraits() -> list[Portrait]:
    """Four people."""
    rng = np.random.default_rng(0)
    return [render(Identity.random(rng), performance(rng, 2)[1], 256) for _ in range(4)]


def edge_of(landmarks: NDArray[np.float64]) -> float:
    return float(np.ptp(landmarks, axis=0).max())


def lay(
    canvas: Pixels, portrait: Portrait, edge: float, middle: Sequence[float]
) -> NDArray[np.float64]:
    """Lay a face of an edge of that many pixels on a frame, and tell its landmarks there."""
    scale = edge / edge_of(portrait.landmarks)
    small = cv2.resize(portrait.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    landmarks = (portrait.landmarks + 0.5) * (small.shape[0] / 256) - 0.5
    shift = np.rint(np.array(middle) - landmarks.mean(axis=0))
    x, y = shift.astype(int).tolist()
    canvas[y : y + small.shape[0], x : x + small.shape[1]] = small
    return landmarks + shift


@given(height=st.integers(16, 4320), width=st.integers(16, 7680), smallest=st.integers(8, 400))
def test_each_size_of_face_is_seen_at_one_scale_at_least(
    height: int, width: int, smallest: int
) -> None:
    found = scales((height, width), smallest)
    assert found == sorted(found)
    assert found[0] * max(height, width) == pytest.approx(128)
    for edge in np.geomspace(smallest, max(smallest, max(height, width)), 20):
        assert any(15.9 < edge * scale < 128.1 for scale in found) or edge * found[0] > 128


@pytest.mark.parametrize("edge", [20, 40, 110, 180])
def test_rendered_faces_are_found_where_they_are(portraits: list[Portrait], edge: int) -> None:
    detect = Detect(16)
    for portrait in portraits:
        canvas = np.full((800, 900, 3), 110, np.uint8)
        landmarks = lay(canvas, portrait, edge, (450, 400))
        found = detect(canvas)[0]
        x, y, w, h = found.box
        assert found.score > 0.8
        assert 0.75 < w / edge < 1.35
        assert np.hypot(*(landmarks.mean(axis=0) - (x + w / 2, y + h / 2))) < 0.2 * edge
        eyes = np.stack([landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)])
        assert found.eyes is not None
        assert np.linalg.norm(found.eyes - eyes, axis=1).max() < 0.15 * edge


def test_several_faces_large_and_small_are_found_at_once(portraits: list[Portrait]) -> None:
    canvas = np.full((720, 1280, 3), 110, np.uint8)
    places = [(320, 360, 220), (760, 360, 90), (1000, 360, 40), (1150, 360, 24)]
    for portrait, (x, y, edge) in zip(portraits, places, strict=True):
        lay(canvas, portrait, edge, (x, y))
    found = sorted(
        (each for each in Detect(18)(canvas) if each.score > 0.8), key=lambda each: each.box[0]
    )
    for detection, (x, _, edge) in zip(found, places, strict=True):
        assert abs(detection.box[0] + detection.box[2] / 2 - x) < 0.2 * edge


def test_faces_below_the_smallest_size_are_left_out(portraits: list[Portrait]) -> None:
    canvas = np.full((800, 900, 3), 110, np.uint8)
    lay(canvas, portraits[0], 60, (450, 400))
    assert len(Detect(40)(canvas)) == 1
    assert Detect(120)(canvas) == []


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (50, 70), (1080, 1920)])
def test_frames_without_a_face_show_none(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert Detect(200)(noise) == []
    assert Detect(200)(np.zeros_like(noise)) == []


def test_the_frame_is_not_written_to(portraits: list[Portrait]) -> None:
    image = portraits[0].image.copy()
    image.setflags(write=False)
    assert Detect()(image)


def test_anchors_of_one_face_are_joined_by_their_scores() -> None:
    scores = np.array([0.6, 0.9, 0.7])
    points = np.zeros((3, 4, 2))
    points[:, 0] = [[50, 50], [52, 50], [200, 50]]
    points[:, 1] = 40
    points[:, 2:] = points[:, :1]
    first, second = merge(scores, points)
    middle = (0.6 * 50 + 0.9 * 52) / 1.5
    assert first.score == 0.9
    assert first.box == pytest.approx((middle - 20, 30, 40, 40))
    assert first.eyes == pytest.approx(np.array([[middle, 50]] * 2))
    assert second.box == pytest.approx((180, 30, 40, 40))
    assert second.score == 0.7


def test_real_clips_show_one_face_in_every_frame(
    clip: Callable[[str], list[Pixels]], clip_name: str
) -> None:
    detect = Detect(32)
    assert [len(detect(image)) for image in clip(clip_name)] == [1] * 75
