from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib.align.header import read_header
from lib.extract.alignments import FrameFaces
from lib.extract.face import Face
from lib.extract.identity import Identity
from lib.extract.known import People, remember_people
from lib.extract.picture import face_name, write_face
from lib.extract.recogniser import Recogniser
from lib.media.frame import Frame
from lib.media.source import open_source
from lib.synthetic.parameters import Identity as Looks
from lib.synthetic.performance import performance
from lib.synthetic.render import render


def face(x: float, person: int) -> Face:
    rng = np.random.default_rng(0)
    return Face((int(x), 0, 50, 60), rng.uniform(0, 50, (68, 2)) + np.array([x, 0]), person=person)


def known(*faces: Face) -> dict[int, FrameFaces]:
    return {7: FrameFaces(7, "clip_000008.png", (100, 400), bytes(16), faces, (b"",) * len(faces))}


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


def test_who_is_remembered_keeps_the_number_wherever_they_are() -> None:
    people = People(known(face(0, 3), face(200, 1)), remembered={3})
    people.learn(7, [face(200, 3), face(1, 9), face(201, 8)])
    named = people.name([face(0, 3), face(0, 8), face(0, 7)])
    assert [each.person for each in named] == [3, 1, 4]


def colour_under_nose(image: Any, face: Face) -> Any:
    x, y = np.rint(face.landmarks[30]).astype(int)
    return image[y, x] / 10.0


def written(folder: Path, person: int, index: int, level: int, **names: bool) -> FrameFaces:
    """A frame of one face on one grey level, its picture stored in a person's folder."""
    who, shot = Looks.random(np.random.default_rng(2)), performance(np.random.default_rng(2), 1)[0]
    landmarks = render(who, shot, 128).landmarks
    found = Face((20, 20, 80, 80), landmarks, person=person)
    frame = Frame(index, f"clip_{index:06d}.png", np.full((128, 128, 3), level, np.uint8))
    path = folder / f"person_{person + 1}" / face_name(frame.name, 0, **names)
    path.parent.mkdir(exist_ok=True)
    write_face(path, frame, 0, found, 96, is_video=True)
    return FrameFaces(index, frame.name, (128, 128), bytes(16), (found,), (b"",))


def test_people_of_an_earlier_run_are_shown_by_their_pictures(tmp_path: Path) -> None:
    earlier = {at: written(tmp_path, 2, at, 40) for at in range(9)}
    earlier[9] = written(tmp_path, 5, 9, 200, is_twin=True)
    earlier[10] = replace(earlier[9], index=10, name="gone.png")
    looked: list[Any] = []

    def embed(image: Any, face: Face) -> Any:
        looked.append(image)
        return colour_under_nose(image, face)

    recogniser = Recogniser(embed)
    assert remember_people(tmp_path, earlier, recogniser) == {2, 5}
    assert len(looked) == 4 + 1
    (there,) = earlier[9].faces
    for level, person in ((200, 5), (40, 2), (120, 6)):
        image = np.full((128, 128, 3), level, np.uint8)
        (found,) = recogniser(image, [replace(there, person=level)])
        assert found.person == person


def test_without_pictures_or_a_recogniser_nobody_is_remembered(tmp_path: Path) -> None:
    earlier = {0: written(tmp_path, 0, 0, 40)}
    assert remember_people(tmp_path, earlier, None) == frozenset()
    (tmp_path / "person_1" / "clip_000000_0.png").write_bytes(b"no picture")
    assert remember_people(tmp_path, earlier, Recogniser(colour_under_nose)) == frozenset()


@pytest.mark.skipif(
    not find_spec("dlib") or not find_spec("face_recognition_models"),
    reason="dlib and its network are needed, and are not installed",
)
def test_real_people_are_known_from_their_pictures(grid: Path, tmp_path: Path) -> None:
    """Three of four speakers have pictures; the fourth is new."""
    recogniser, earlier = Recogniser(Identity()), {}
    later: list[tuple[Frame, Face]] = []
    for person, name in enumerate(("bbaf2n", "sbia1a", "brbk7n", "lbbc2a")):
        files = sorted((grid / name).glob("*.png"))
        for frame in open_source(grid.parent / f"{name}.mpg").frames(every=15):
            header = read_header(files[frame.index].read_bytes())
            assert header is not None
            found = Face(header.box, header.landmarks, person=person + 2)
            if frame.index > 45 or person == 3:
                later.append((frame, found))
                continue
            write_face(tmp_path / face_name(frame.name, 0), frame, 0, found, 256, is_video=True)
            number = 100 * person + frame.index
            earlier[number] = FrameFaces.of(replace(frame, index=number), [found])
    assert remember_people(tmp_path, earlier, recogniser) == {2, 3, 4}
    for track, (frame, found) in enumerate(later):
        assert recogniser(frame.image, [replace(found, person=track)])[0].person == found.person
