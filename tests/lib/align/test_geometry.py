import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from lib.align.geometry import (
    Alignment,
    face_edge,
    sub_crop,
    transform_points,
    umeyama,
    window_edge,
)
from lib.align.header import read_header
from lib.align.tables import CENTRE_OFFSET, CORE_68, MEAN_FACE_51, MEAN_HEAD_26
from lib.errors import FaceswapError

SHARED = Path(__file__).parents[3] / "../shared"
CENTRINGS = ("legacy", "face", "head")
SEEDS = st.integers(0, 2**32 - 1)


def make_similarity(scale, angle, x, y):
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn, [x, y]])


SIMILARITIES = st.builds(
    make_similarity,
    st.floats(20, 500),
    st.floats(-np.pi, np.pi),
    st.floats(-1000, 1000),
    st.floats(-1000, 1000),
)


def make_landmarks():
    """The mean face with half an ellipse for a jaw, in the unit square."""
    angle = np.linspace(np.pi, 0, 17)
    jaw = np.column_stack([0.5 + 0.6 * np.cos(angle), 0.2 + np.sin(angle)])
    return np.vstack([jaw, MEAN_FACE_51])


def linear_least_squares(source, destination):
    """The best a, b, x, y of (a -b; b a) p + (x, y), from the normal equations."""
    zero, one = np.zeros(len(source)), np.ones(len(source))
    across = np.column_stack([source[:, 0], -source[:, 1], one, zero])
    down = np.column_stack([source[:, 1], source[:, 0], zero, one])
    right = np.concatenate([destination[:, 0], destination[:, 1]])
    a, b, x, y = np.linalg.lstsq(np.vstack([across, down]), right)[0]
    return np.array([[a, -b, x], [b, a, y]])


@settings(max_examples=50, deadline=None)
@given(SEEDS, SIMILARITIES)
def test_umeyama_recovers_a_similarity(seed, similarity):
    source = np.random.default_rng(seed).normal(size=(12, 2))
    found = umeyama(source, transform_points(source, similarity))
    np.testing.assert_allclose(found, similarity, atol=1e-8)


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_umeyama_is_the_least_squares_solution(seed):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(12, 2))
    destination = source + rng.normal(size=(12, 2))
    found = umeyama(source, destination)
    np.testing.assert_allclose(found, linear_least_squares(source, destination), atol=1e-9)


def test_umeyama_never_mirrors():
    source = np.random.default_rng(1).normal(size=(9, 2))
    found = umeyama(source, source * (-1, 1))
    assert np.linalg.det(found[:, :2]) > 0


def test_umeyama_refuses_a_single_point():
    with pytest.raises(ValueError, match="coincide"):
        umeyama(np.ones((5, 2)), np.zeros((5, 2)))


@pytest.mark.parametrize(("centring", "padding"), [("legacy", 48), ("face", 64), ("head", 80)])
def test_matrix_lays_the_mean_face_on_the_padded_square(centring, padding):
    similarity = make_similarity(140, 0.3, 200, 90)
    landmarks = transform_points(make_landmarks(), similarity)
    alignment = Alignment(landmarks)
    laid = transform_points(landmarks[17:], alignment.matrix(256, centring))
    expected = (MEAN_FACE_51 - alignment.offset(centring)) * (256 - 2 * padding) + padding
    np.testing.assert_allclose(laid, expected, atol=1e-8)


def test_matrix_at_less_coverage_is_the_middle_of_the_full_crop():
    alignment = Alignment(make_landmarks() * 100)
    shifted = alignment.matrix(192, "face")
    shifted[:, 2] -= (192 - 132) / 2
    np.testing.assert_allclose(alignment.matrix(132, "face", 0.6875), shifted, atol=1e-9)


def test_offsets_are_projections_at_the_best_pose():
    landmarks = make_landmarks()
    landmarks[:, 0] += 0.03 * np.sin(7 * landmarks[:, 1])
    alignment = Alignment(landmarks * 100 + 40)
    unit = transform_points(landmarks, umeyama(landmarks[17:], MEAN_FACE_51))[list(CORE_68)]

    def project(pose, points):
        seen = Rotation.from_rotvec(pose[:3]).apply(np.array(points)) + pose[3:]
        return 4 * seen[:, :2] / seen[:, 2:] + 0.5

    # The best fit is one where the head lies behind the camera, which shows it upside down.
    start = np.array([-0.1, 0, 0, 0, 3, -60])
    pose = least_squares(
        lambda pose: (project(pose, MEAN_HEAD_26) - unit).ravel(), start, x_scale="jac", xtol=1e-14
    ).x
    for centring in CENTRINGS[1:]:
        expected = project(pose, CENTRE_OFFSET[centring])[0] - 0.5
        np.testing.assert_allclose(alignment.offset(centring), expected, atol=1e-4)
        assert np.abs(expected).max() > 0.01
    assert not alignment.offset("legacy").any()


@settings(max_examples=25, deadline=None)
@given(SIMILARITIES)
def test_a_crop_does_not_depend_on_how_the_face_lies_in_the_picture(similarity):
    plain = make_landmarks() * 100
    moved = transform_points(plain, similarity)
    for centring in CENTRINGS:
        expected = transform_points(plain, Alignment(plain).matrix(128, centring))
        found = transform_points(moved, Alignment(moved).matrix(128, centring))
        np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("stored", "centring", "edge"),
    [
        ("head", "face", 192),
        ("head", "legacy", 154),
        ("legacy", "face", 320),
        ("legacy", "head", 426),
        ("head", "head", 256),
    ],
)
def test_sub_crop_shows_what_the_crop_itself_would(stored, centring, edge):
    landmarks = make_landmarks() * 90 + 30
    alignment = Alignment(landmarks)
    x, y, found = sub_crop(alignment, 256, stored, centring)
    assert found == edge
    cut = transform_points(landmarks, alignment.matrix(256, stored)) - (x, y)
    direct = transform_points(landmarks, alignment.matrix(edge, centring))
    assert np.abs(cut - direct).max() < 1.5  # whole pixels of the corner and of the padding


def test_sub_crop_of_the_same_centring_is_the_whole_picture():
    assert sub_crop(Alignment(make_landmarks() * 90), 255, "head", "head") == (0, 0, 255)


@given(st.integers(1, 600), st.floats(0.5, 1.0))
def test_face_edge_is_the_smallest(window, coverage):
    edge = face_edge(window, coverage)
    fitting = [e for e in range(2, edge + 1, 2) if window_edge(e, coverage) >= window]
    assert fitting == [edge]


def test_window_edge_of_known_sizes():
    assert [window_edge(s, 0.6875) for s in (64, 94, 96, 192)] == [44, 64, 66, 132]
    assert face_edge(64, 0.6875) == 94


def test_landmarks_on_one_spot_are_refused():
    with pytest.raises(FaceswapError, match="within one pixel"):
        Alignment(np.full((68, 2), 7.0)).matrix(64, "face")


@pytest.mark.parametrize("fault", ["error", "not found"])
def test_landmarks_without_a_pose_are_refused(monkeypatch, fault):
    def solve(*_args, **_kwargs):
        if fault == "error":
            raise cv2.error("no pose")
        return False, np.zeros((3, 1)), np.array([[0.0], [0.0], [60.0]])

    monkeypatch.setattr(cv2, "solvePnP", solve)
    with pytest.raises(FaceswapError, match="fit no head"):
        Alignment(make_landmarks() * 50).offset("face")


@pytest.mark.parametrize("clip", ["bbaf2n", "brbk7n"])
def test_real_faces_agree_with_the_reference_program(clip):
    folder, program = SHARED / "data/grid/faces" / clip, SHARED / "tools/holdout_score.py"
    if not folder.is_dir() or not program.is_file():
        pytest.skip("the real faces of ../shared/data/grid are absent")
    spec = importlib.util.spec_from_file_location("holdout_score", program)
    oracle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    for path in sorted(folder.glob("*.png")):
        landmarks = read_header(path.read_bytes()).landmarks
        for centring in CENTRINGS:
            expected = oracle.crop_matrix(landmarks, 192, centring)
            found = Alignment(landmarks).matrix(192, centring)
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-7)
