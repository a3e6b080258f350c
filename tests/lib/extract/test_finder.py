from collections.abc import Iterator, Sequence
from fractions import Fraction

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lib.align.geometry import transform_points
from lib.errors import FaceswapError
from lib.extract.face import Detection, Face
from lib.extract.finder import FaceFinder
from lib.extract.near import about
from lib.extract.recogniser import Recogniser
from lib.media.frame import Frame
from lib.synthetic.parameters import Identity
from lib.synthetic.performance import performance
from lib.synthetic.render import Portrait, render
from plugins.extract.align.facemesh import Align
from plugins.extract.detect.blazeface import Detect

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

GREY = np.full((72, 96, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    rng = np.random.default_rng(0)
    return render(Identity.random(rng), performance(rng, 2)[1], 256)


def boxes(*edges: int) -> list[Detection]:
    return [Detection((100.4 * at, 0, edge, edge), 0.9) for at, edge in enumerate(edges)]


def finder(portrait: Portrait, found: Sequence[Detection], **options: object) -> FaceFinder:
    """One whose detector finds the same each time, and whose aligner lays a face in each box."""
    low, edge = portrait.landmarks.min(axis=0), np.ptp(portrait.landmarks, axis=0).max()

    def align(_: Pixels, detection: Detection) -> Floats:
        x, y, w, _ = detection.box
        return (portrait.landmarks - low) * (w / edge) + (x, y)

    return FaceFinder(lambda _: found, align, **options)


def frames(count: int) -> Iterator[Frame]:
    """Pictures, so that each is looked at all over."""
    return (Frame(at, f"{at}.png", GREY) for at in range(count))


def widths(faces: Sequence[Face]) -> list[int]:
    return [face.box[2] for face in faces]


def test_gives_the_largest_faces_that_are_large_enough(portrait: Portrait) -> None:
    found = boxes(30, 60, 20, 90)
    assert widths(finder(portrait, found, smallest=25)(GREY)) == [90, 60, 30]
    assert widths(finder(portrait, found, smallest=25, most=2)(GREY)) == [90, 60]
    assert widths(finder(portrait, found, smallest=100)(GREY)) == []


def test_boxes_are_whole_numbers_and_scores_are_kept(portrait: Portrait) -> None:
    _, face = finder(portrait, boxes(90, 60))(GREY)
    assert face.box == (100, 0, 60, 60)
    assert face.score == 0.9


def test_a_face_found_twice_is_given_once(portrait: Portrait) -> None:
    assert widths(finder(portrait, [*boxes(60), *boxes(62)])(GREY)) == [60]


@pytest.mark.parametrize("landmarks", [None, np.zeros((68, 2))])
def test_what_has_no_landmarks_of_a_face_is_none(landmarks: Floats | None) -> None:
    assert FaceFinder(lambda _: boxes(60), lambda *_: landmarks)(GREY) == []


@pytest.mark.parametrize("rotate", [False, True])
def test_a_faulty_plugin_is_named(portrait: Portrait, rotate: bool) -> None:
    """However the detector is asked: all over the frame, turned, or where a face was."""
    video = (Frame(at, f"{at}.png", GREY, Fraction(at, 25)) for at in range(9))
    for faulty in (
        finder(portrait, [None], rotate=rotate),
        FaceFinder(lambda _: boxes(60), lambda *_: np.zeros((5, 2)), rotate=rotate),
    ):
        with pytest.raises(FaceswapError, match=r"^(detector|aligner) 'test_finder' \(.*\) gave"):
            list(faulty.follow(video))


def test_follows_faces_and_gives_each_frame_in_order(portrait: Portrait) -> None:
    shifts = iter(np.arange(9) * 3.0)

    def detect(_: Pixels) -> list[Detection]:
        shift = next(shifts)
        found = [Detection((shift + x, 0, 60, 60), 0.9) for x in (0, 200)]
        return found[::-1] if shift % 2 else found

    still = finder(portrait, [])
    moving = FaceFinder(detect, still._align)
    given = list(moving.follow(frames(9)))
    assert [frame.index for frame, _ in given] == list(range(9))
    for index, (_, faces) in enumerate(given):
        assert [face.person for face in faces] == [0, 1]
        assert [face.box[0] for face in faces] == [3 * index, 3 * index + 200]
        for face in faces:
            low = face.landmarks.min(axis=0)
            np.testing.assert_allclose(low, [face.box[0], 0], atol=1e-6)


class Watched:
    """An aligner that tells faces: one is where it says, whatever it is asked; it may be gone."""

    tells_faces = True

    def __init__(self, portrait: Portrait) -> None:
        self.landmarks, self.gone = portrait.landmarks, False
        self.asked: list[tuple[float, ...]] = []

    def __call__(self, _: Pixels, detection: Detection) -> Floats | None:
        self.asked.append(detection.box)
        return None if self.gone else self.landmarks


def video(count: int) -> Iterator[Frame]:
    return (Frame(at, f"{at}.png", GREY, Fraction(at, 25)) for at in range(count))


def test_where_the_aligner_tells_faces_no_detector_is_asked_in_between(portrait: Portrait) -> None:
    align, detected = Watched(portrait), list[tuple[int, ...]]()

    def detect(image: Pixels) -> list[Detection]:
        detected.append(image.shape)
        return [about(portrait.landmarks)]

    given = list(FaceFinder(detect, align).follow(video(11)))
    assert [len(faces) for _, faces in given] == [1] * 11
    assert detected == [GREY.shape] * 3  # the frames 0, 5 and 10
    assert {tuple(np.round(box, 6)) for box in align.asked} == {
        tuple(np.round(about(portrait.landmarks).box, 6))
    }


def test_a_face_that_the_aligner_loses_is_looked_for_by_the_detector(portrait: Portrait) -> None:
    align, near = Watched(portrait), list[tuple[int, ...]]()

    def detect(image: Pixels) -> list[Detection]:
        if image.shape == GREY.shape:
            align.gone = False
            return [about(portrait.landmarks)]
        near.append(image.shape)
        return []

    def losing() -> Iterator[Frame]:
        for frame in video(6):
            align.gone = frame.index == 3
            yield frame

    found = FaceFinder(detect, align)._go_through(losing())
    # Where it is lost, and in the frame after, it is found from the last frame backwards.
    assert [len(faces) for _, faces in found] == [1] * 6
    assert len(near) == 1


def test_those_who_are_not_wanted_take_no_place(portrait: Portrait) -> None:
    def embed(_: Pixels, face: Face) -> Floats:
        return np.array([face.box[2], 0.0])

    only = Recogniser(embed, [np.array([60.0, 0])])
    small = finder(portrait, boxes(90, 60), most=1, recogniser=only)
    assert [widths(faces) for _, faces in small.follow(frames(4))] == [[60]] * 4


def test_a_rendered_video_is_followed_from_end_to_end() -> None:
    """With the plugins that come with faceswap, in a frame that they see at several sizes."""
    rng = np.random.default_rng(3)
    who, shots = Identity.random(rng), performance(rng, 12)
    portraits = [render(who, shot, 256) for shot in shots]
    video = []
    for at, each in enumerate(portraits):
        wide = np.full((400, 900, 3), 110, np.uint8)
        wide[100:356, 40 * at : 40 * at + 256] = each.image
        video.append(Frame(at, f"{at}.png", wide, Fraction(at, 25)))
    given = list(FaceFinder(Detect(), Align()).follow(video))
    assert [[face.person for face in faces] for _, faces in given] == [[0]] * 12
    for at, (portrait, (_, (face,))) in enumerate(zip(portraits, given, strict=True)):
        truth = portrait.landmarks + np.array([40 * at, 100])
        eyes = np.linalg.norm(truth[45] - truth[36])
        assert np.linalg.norm(face.landmarks - truth, axis=1)[17:].mean() < 0.05 * eyes


def test_no_frames_are_no_trouble(portrait: Portrait) -> None:
    assert list(finder(portrait, boxes(60)).follow([])) == []


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_face_that_lies_is_found_if_the_frame_is_turned(
    portrait: Portrait, quarters: int
) -> None:
    """With the plugins that come with faceswap; `numpy.rot90` turns to the left."""
    lying = np.ascontiguousarray(np.rot90(portrait.image, quarters))
    (face,) = FaceFinder(Detect(), Align(), rotate=True)(lying)
    centre = (127.5, 127.5)
    matrix = cv2.getRotationMatrix2D(centre, 90 * quarters, 1)
    truth = transform_points(portrait.landmarks, matrix)
    eyes = np.linalg.norm(truth[45] - truth[36])
    assert np.linalg.norm(face.landmarks - truth, axis=1)[17:].mean() < 0.055 * eyes
    if quarters == 2:
        assert FaceFinder(Detect(), Align())(lying) == []
