from dataclasses import replace

import numpy as np

from lib.align.alignments import FrameFaces
from lib.extract.face import Face
from lib.extract.known import People


def face(x: float, person: int) -> Face:
    rng = np.random.default_rng(0)
    return Face((int(x), 0, 50, 60), rng.uniform(0, 50, (68, 2)) + np.array([x, 0]), person=person)


def known(*faces: Face) -> dict[int, FrameFaces]:
    return {7: FrameFaces(7, "clip_000008.png", (100, 400), bytes(16), faces)}


def test_people_are_numbered_from_0_as_they_come() -> None:
    people = People({})
    named = [people.name([face(0, person)])[0].person for person in (4, 9, 4, 2)]
    assert named == [0, 1, 0, 2]


def test_people_of_an_earlier_run_are_known_again_by_where_they_were() -> None:
    people = People(known(face(0, 3), face(200, 1)))
    # The detector has numbered them otherwise this time, and a pixel or two away.
    people.learn(7, [face(202, 0), face(1, 1), face(100, 2)])
    named = people.name([face(10, 1), face(210, 0), face(110, 2)])
    assert [each.person for each in named] == [3, 1, 4]


def test_frames_that_the_earlier_run_has_not_seen_teach_nothing() -> None:
    people = People(known(face(0, 3)))
    people.learn(8, [face(0, 0)])
    assert people.name([face(0, 0)])[0].person == 4


def test_all_else_of_a_face_stays() -> None:
    (named,) = People({}).name([replace(face(5, 8), score=0.5)])
    assert named.score == 0.5
    assert named.box == (5, 0, 50, 60)
