from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lib.align.geometry import transform_points, umeyama
from lib.align.header import read_header
from lib.align.tables import MEAN_FACE_51
from lib.extract.face import Detection
from lib.synthetic.parameters import Identity
from lib.synthetic.performance import performance
from lib.synthetic.render import Portrait, render
from plugins.extract.align._offsets import OFFSETS
from plugins.extract.align.facemesh import POINTS, Align, as_ibug, crop_matrix
from plugins.extract.detect.blazeface import Detect

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


def errors(found: Floats, wanted: Floats) -> tuple[float, float]:
    """Mean distance at the jaw and at the inner points, in distances of the eyes' corners."""
    eyes = np.linalg.norm(wanted[..., 45, :] - wanted[..., 36, :], axis=-1)
    away = np.linalg.norm(found - wanted, axis=-1) / eyes[..., None]
    return float(away[..., :17].mean()), float(away[..., 17:].mean())


def tremble(landmarks: Floats) -> float:
    """Second differences over time, after each face is laid on the mean face."""
    laid = np.array(
        [transform_points(each, umeyama(each[17:], MEAN_FACE_51)) for each in landmarks]
    )
    return float(np.linalg.norm(np.diff(laid, 2, axis=0), axis=-1).mean())


@pytest.fixture(scope="module")
def portraits() -> list[Portrait]:
    """Four people, three shots of each."""
    rng = np.random.default_rng(0)
    people = [Identity.random(rng) for _ in range(4)]
    return [render(who, shot, 256) for who in people for shot in performance(rng, 3)]


def test_rendered_landmarks_are_found(portraits: list[Portrait]) -> None:
    detect, align = Detect(), Align()
    found = [align(each.image, detect(each.image)[0]) for each in portraits]
    assert all(each is not None for each in found)
    jaw, inner = errors(np.array(found), np.array([each.landmarks for each in portraits]))
    assert inner < 0.045
    assert jaw < 0.15


@pytest.mark.parametrize("angle", [-60, -30, 30, 60])
def test_a_tilted_head_is_no_hindrance(portraits: list[Portrait], angle: int) -> None:
    matrix = cv2.getRotationMatrix2D((127.5, 127.5), angle, 1)
    detect, align = Detect(), Align()
    for portrait in portraits[::3]:
        turned = np.asarray(cv2.warpAffine(portrait.image, matrix, (256, 256)), np.uint8)
        found = align(turned, detect(turned)[0])
        assert found is not None
        _, inner = errors(found, transform_points(portrait.landmarks, matrix))
        assert inner < 0.055


def test_what_is_no_face_has_no_landmarks(portraits: list[Portrait]) -> None:
    align, image = Align(), portraits[0].image
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    assert align(noise, Detection((60, 60, 120, 120), 0.9)) is None
    assert align(np.zeros_like(image), Detection((60, 60, 120, 120), 0.9)) is None
    for portrait in portraits[::3]:
        on_head = np.ascontiguousarray(portrait.image[::-1])
        for detection in Detect()(on_head):
            assert align(on_head, detection) is None


@given(
    middle=st.tuples(*[st.floats(-500, 500)] * 2),
    edge=st.floats(8, 2000),
    angle=st.floats(-np.pi, np.pi),
)
def test_the_network_sees_the_face_upright_and_in_the_middle(
    middle: tuple[float, float], edge: float, angle: float
) -> None:
    across = np.array([np.cos(angle), np.sin(angle)])
    eyes = np.array([middle]) + np.outer([-0.2, 0.2], across) * edge
    box = (middle[0] - edge / 2, middle[1] - edge / 2, edge, edge)
    matrix = crop_matrix(Detection(box, 0.9, eyes))
    left, right, centre = transform_points(np.array([*eyes, middle]), matrix)
    np.testing.assert_allclose(centre, [95.5, 95.5], atol=1e-6)
    np.testing.assert_allclose(right - left, [0.4 * 192 / 1.5, 0], atol=1e-6)


@given(
    shift=st.tuples(*[st.floats(-500, 500)] * 2),
    scale=st.floats(0.1, 20),
    angle=st.floats(-np.pi, np.pi),
)
def test_the_offset_of_ibugs_points_turns_and_grows_with_the_face(
    shift: tuple[float, float], scale: float, angle: float
) -> None:
    jaw = np.column_stack([np.linspace(-0.2, 1.2, 17), np.linspace(0.2, 1.3, 17)])
    face = np.concatenate([jaw, MEAN_FACE_51])
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    matrix = np.array([[cosine, -sine, shift[0]], [sine, cosine, shift[1]]])
    moved = as_ibug(transform_points(face, matrix))
    np.testing.assert_allclose(moved, transform_points(face + OFFSETS, matrix), atol=1e-3)


def test_each_point_of_the_mesh_is_used_once() -> None:
    assert len(POINTS) == 68
    assert len(set(POINTS)) == 68


def test_real_landmarks_are_those_of_dlib_and_tremble_less(
    grid: Path, clip: Callable[[str], list[Pixels]], clip_name: str
) -> None:
    headers = [read_header(file.read_bytes()) for file in sorted((grid / clip_name).glob("*.png"))]
    theirs = np.array([header.landmarks for header in headers if header is not None])
    detect, align = Detect(60), Align()
    found = [align(image, detect(image)[0]) for image in clip(clip_name)]
    assert all(each is not None for each in found)
    ours = np.array(found)
    jaw, inner = errors(ours, theirs)
    assert inner < 0.026
    assert jaw < 0.065
    assert tremble(ours) < 0.4 * tremble(theirs)
