import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.extract.face import Face
from lib.extract.tracks import Tracker
from tests.fixtures.square_face import square_face

GREY = np.full((72, 96, 3), 90, np.uint8)
WHITE = np.full((72, 96, 3), 250, np.uint8)


def follow(tracker: Tracker, *faces: Face, image: np.ndarray = GREY) -> list[int]:
    return [face.person for face in tracker(image, faces)]


@given(order=st.lists(st.permutations([0, 1, 2]), min_size=2, max_size=8), data=st.data())
@settings(max_examples=30)
def test_faces_keep_their_numbers_in_whatever_order_they_are_found(
    order: list[list[int]], data: st.DataObject
) -> None:
    speed = [data.draw(st.tuples(st.integers(-9, 9), st.integers(-9, 9))) for _ in range(3)]
    tracker = Tracker()
    first = follow(tracker, *(square_face(300 * who, 100) for who in range(3)))
    for step, people in enumerate(order, start=1):
        faces = [
            square_face(300 * who + step * speed[who][0], 100 + step * speed[who][1])
            for who in people
        ]
        assert follow(tracker, *faces) == [first[who] for who in people]


def test_faces_that_pass_each_other_are_told_apart_by_how_they_move() -> None:
    tracker = Tracker()
    for step in range(30):
        numbers = follow(tracker, square_face(10 * step, 0), square_face(290 - 10 * step, 20))
        assert numbers == [0, 1]


@pytest.mark.parametrize(("hidden", "number"), [(1, 0), (12, 0), (13, 1)])
def test_a_face_may_be_out_of_sight_for_a_while(hidden: int, number: int) -> None:
    tracker = Tracker()
    follow(tracker, square_face(0, 0))
    for _ in range(hidden):
        follow(tracker)
    assert follow(tracker, square_face(4, 0)) == [number]


def test_after_a_cut_a_face_at_the_same_place_is_someone_else() -> None:
    tracker = Tracker()
    assert follow(tracker, square_face(0, 0)) == [0]
    assert follow(tracker, square_face(0, 0), image=WHITE) == [1]


def test_a_face_elsewhere_is_someone_else() -> None:
    tracker = Tracker()
    assert follow(tracker, square_face(0, 0)) == [0]
    assert follow(tracker, square_face(40, 0)) == [1]
    assert follow(tracker, square_face(0, 0), square_face(40, 0)) == [0, 1]
