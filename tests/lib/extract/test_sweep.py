from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from lib.extract.face import Face
from lib.extract.sweep import EVERY, sweep
from lib.media.frame import Frame
from tests.fixtures.square_face import square_face

Pixels = NDArray[np.uint8]


@dataclass
class Film:
    """People and the frames that each is in sight in, and which frames were looked at all over."""

    people: Sequence[range | set[int]]
    looked: list[int] = field(default_factory=list)

    def frames(self, numbers: Sequence[int], is_video: bool = True) -> list[Frame]:
        return [
            Frame(at, f"{at}.png", np.full((1, 1, 3), at, np.uint8), time if is_video else None)
            for at in numbers
            for time in [Fraction(at)]
        ]

    def find(self, frame: Frame) -> list[Face]:
        self.looked.append(frame.index)
        return self._seen(frame.index)

    def find_near(self, image: Pixels, faces: Sequence[Face]) -> list[Face]:
        near = {face.person for face in faces}
        return [face for face in self._seen(int(image[0, 0, 0])) if face.person in near]

    def _seen(self, at: int) -> list[Face]:
        return [
            square_face(200 * who + at, 0, person=who)
            for who, frames in enumerate(self.people)
            if at in frames
        ]

    def swept(self, numbers: Sequence[int], is_video: bool = True) -> list[tuple[int, set[int]]]:
        found = sweep(self.find, self.find_near, self.frames(numbers, is_video))
        return [(frame.index, {face.person for face in faces}) for frame, faces in found]

    def truth(self, numbers: Sequence[int]) -> list[tuple[int, set[int]]]:
        return [(at, {who for who, seen in enumerate(self.people) if at in seen}) for at in numbers]


@pytest.mark.parametrize("count", [1, 2, 5, 6, 12, 15])
@pytest.mark.parametrize("start", [0, 3])
def test_each_face_is_found_in_each_frame_from_its_coming_to_its_going(
    start: int, count: int
) -> None:
    numbers = range(start, start + count)
    film = Film([range(100), range(7, 100), range(9), range(2, 12)])
    assert film.swept(numbers) == film.truth(numbers)


def test_few_frames_are_looked_at_all_over() -> None:
    film = Film([range(100)])
    film.swept(range(3, 18))
    assert film.looked == [3, 5, 10, 15, 17]
    assert EVERY == 5


@pytest.mark.parametrize(("numbers", "is_video"), [(range(8), False), (range(0, 40, 3), True)])
def test_pictures_and_frames_far_apart_are_each_looked_at_all_over(
    numbers: range, is_video: bool
) -> None:
    film = Film([{0, 3, 4}, range(2, 30)])
    assert film.swept(numbers, is_video) == film.truth(numbers)
    assert film.looked == list(numbers)


def test_a_face_hidden_for_a_frame_is_found_again_from_the_other_side() -> None:
    film = Film([set(range(12)) - {7}])
    assert film.swept(range(12)) == film.truth(range(12))


def test_a_shot_of_a_few_frames_is_looked_at() -> None:
    """The picture jumps with each cut, as no movement makes it."""
    shots = Film([{6, 7, 8, 9, 16, 17, 23}])
    frames = [
        replace(frame, image=frame.image + np.uint8(100 * (frame.index in shots.people[0])))
        for frame in shots.frames(range(30))
    ]
    near = lambda image, faces: shots.find_near(image % 100, faces)  # noqa: E731
    found = sweep(shots.find, near, frames)
    assert [(frame.index, {face.person for face in faces}) for frame, faces in found] == (
        shots.truth(range(30))
    )


def test_no_frames_give_none() -> None:
    assert Film([]).swept([]) == []
