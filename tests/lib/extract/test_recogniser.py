from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lib.errors import FaceswapError
from lib.extract.face import Face
from lib.extract.recogniser import Recogniser, examples
from tests.fixtures.square_face import square_face

Pixels = NDArray[np.uint8]

GREY = np.full((72, 96, 3), 90, np.uint8)


def embed(_: Pixels, face: Face) -> NDArray[np.float64]:
    """Here people are told by the widths of their boxes: 10 pixels are a distance of 1."""
    return np.array([face.box[2] / 10, 0])


def names(recogniser: Recogniser, *tracks: tuple[int, int]) -> list[int]:
    """People's numbers of faces, given by the numbers of their tracks and their widths."""
    faces = [square_face(0, 0, width, person=track) for track, width in tracks]
    return [face.person for face in recogniser(GREY, faces)]


def test_who_comes_back_is_known_again() -> None:
    recogniser = Recogniser(embed)
    assert names(recogniser, (0, 50), (1, 70)) == [0, 1]
    assert names(recogniser, (2, 72)) == [1]
    assert names(recogniser, (3, 90), (4, 52)) == [2, 0]
    assert names(recogniser, (4, 52), (3, 90)) == [0, 2]


def test_who_was_numbered_before_keeps_the_number() -> None:
    recogniser = Recogniser(embed)
    for person, width in ((3, 50), (1, 70), (3, 90)):
        recogniser.remember(person, GREY, square_face(0, 0, width))
    assert names(recogniser, (0, 71), (1, 52)) == [1, 3]
    assert names(recogniser, (2, 91), (3, 30)) == [3, 4]


def test_two_faces_of_one_frame_are_two_people_however_alike() -> None:
    recogniser = Recogniser(embed)
    assert names(recogniser, (0, 50), (1, 50)) == [0, 1]
    assert names(recogniser, (2, 50), (1, 50)) == [0, 1]


def test_a_face_is_known_from_all_sides_that_were_seen_of_it() -> None:
    recogniser = Recogniser(embed)
    for width in (50, 51, 52, 53, 54, 55, 56, 57):
        assert names(recogniser, (0, width)) == [0]
    assert names(recogniser, (1, 60)) == [0]


def test_a_face_is_looked_at_now_and_then_only() -> None:
    looked: list[int] = []

    def count(image: Pixels, face: Face) -> NDArray[np.float64]:
        looked.append(face.box[2])
        return embed(image, face)

    recogniser = Recogniser(count)
    for _ in range(200):
        names(recogniser, (0, 50))
    assert len(looked) == 4


def test_only_who_is_wanted_is_given() -> None:
    recogniser = Recogniser(embed, [np.array([5.0, 0]), np.array([5.2, 0])])
    assert names(recogniser, (0, 70), (1, 51), (2, 90)) == [1]
    assert names(recogniser, (0, 70)) == []
    assert recogniser.unwanted == 3


@pytest.mark.parametrize(("count", "told"), [(0, "no faces:"), (2, "2 faces:")])
def test_an_example_shows_one_face(tmp_path: Path, count: int, told: str) -> None:
    cv2.imwrite(str(tmp_path / "like.png"), GREY)
    faces = [square_face(0, 0, 50)] * count
    with pytest.raises(FaceswapError, match=rf"like\.png shows {told} cut it to one"):
        examples(lambda _: faces, embed, tmp_path / "like.png")


def test_examples_are_a_picture_or_a_folder_of_them(tmp_path: Path) -> None:
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), GREY)
    assert len(examples(lambda _: [square_face(0, 0)], embed, tmp_path)) == 2
    assert len(examples(lambda _: [square_face(0, 0)], embed, tmp_path / "0.png")) == 1
