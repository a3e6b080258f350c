from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lib.align.header import read_header
from lib.extract.face import Face
from lib.extract.smooth import LAG, Smoother, smooth
from lib.media.frame import Frame
from tests.fixtures.square_face import square_face

Floats = NDArray[np.float64]

BLACK = np.zeros((4, 4, 3), np.uint8)
EYES = float(np.linalg.norm(np.subtract(*square_face(0, 0).landmarks[[36, 45]])))


def run(frames: list[list[Face]]) -> list[list[Face]]:
    smoother, given_back = Smoother(), []
    for index, faces in enumerate(frames):
        given_back += smoother.push(Frame(index, f"{index}.png", BLACK, Fraction(index)), faces)
        assert len(given_back) == max(0, index + 1 - LAG)
    given_back += smoother.flush()
    assert [frame.index for frame, _ in given_back] == list(range(len(frames)))
    return [faces for _, faces in given_back]


def run_one(landmarks: Floats) -> Floats:
    faces = [[Face((0, 0, 60, 60), each)] for each in landmarks]
    return np.array([each.landmarks for (each,) in run(faces)])


@given(count=st.integers(0, 9), speed=st.tuples(*[st.floats(-40, 40, allow_subnormal=False)] * 2))
def test_even_movement_is_left_as_it_is(count: int, speed: tuple[float, float]) -> None:
    start = square_face(0, 0).landmarks
    landmarks = np.array([start + at * np.array(speed) for at in range(count)]).reshape(-1, 68, 2)
    np.testing.assert_allclose(run_one(landmarks).reshape(-1, 68, 2), landmarks, atol=1e-9)


def test_tremble_becomes_as_small_as_a_mean_of_five_frames_makes_it() -> None:
    """Of noise far below what counts as movement, by the variance of a weighted mean."""
    noise = np.random.default_rng(0).normal(0, 0.0005 * EYES, (200, 68, 2))
    left = run_one(square_face(0, 0).landmarks + noise) - square_face(0, 0).landmarks
    weights = np.array([0.25, 0.5, 1, 0.5, 0.25])
    wanted = np.sqrt(np.square(weights).sum()) / weights.sum()
    assert left[LAG:-LAG].std() / noise.std() == pytest.approx(wanted, rel=0.03)


def test_a_blink_and_a_step_stay_what_they_are() -> None:
    landmarks = np.array([square_face(0, 0).landmarks] * 20)
    landmarks[8, 37:39, 1] += 0.05 * EYES
    landmarks[14:, 60:, 1] += 0.05 * EYES
    np.testing.assert_allclose(run_one(landmarks), landmarks, atol=0.001 * EYES)


def test_a_point_goes_to_the_weighted_mean_of_itself_and_the_middles() -> None:
    landmarks = square_face(0, 0).landmarks
    off = 0.007 * EYES
    moved = smooth(landmarks, [landmarks + np.array([off, 0]), landmarks])
    weight = 2 * 0.5 * np.exp(-0.5)
    wanted = weight * off / (1 + weight + 2 * 0.25)
    np.testing.assert_allclose((moved - landmarks)[:, 0], wanted)


def test_people_who_come_and_go_are_not_mixed() -> None:
    one, other = square_face(0, 0), square_face(0.3, 0, person=1)
    frames = [[one], [one, other], [other], [one, other], [], [one]]
    for faces, wanted in zip(run(frames), frames, strict=True):
        assert [face.person for face in faces] == [face.person for face in wanted]
        for face, same in zip(faces, wanted, strict=True):
            np.testing.assert_allclose(face.landmarks, same.landmarks)


@pytest.mark.parametrize("name", ["bbaf2n", "sbia1a", "brbk7n", "lbbc2a"])
def test_real_landmarks_tremble_less_and_the_mouth_speaks_on(grid: Path, name: str) -> None:
    files = sorted((grid / name).glob("*.png"))
    headers = [read_header(file.read_bytes()) for file in files]
    before = np.array([header.landmarks for header in headers if header is not None])
    after = run_one(before)

    def tremble(landmarks: Floats) -> float:
        return float(np.abs(np.diff(landmarks[:, 17:], 2, axis=0)).mean())

    def opening(landmarks: Floats) -> Floats:
        return landmarks[:, 66, 1] - landmarks[:, 62, 1]

    assert tremble(after) < 0.85 * tremble(before)
    assert np.corrcoef(opening(before), opening(after))[0, 1] > 0.98
    eyes = np.linalg.norm(before[:, 45] - before[:, 36], axis=1)
    assert np.abs((opening(after) - opening(before)) / eyes).max() < 0.02
