"""Knows people again whom an earlier run has numbered."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from lib.align.geometry import Alignment, transform_points
from lib.extract.alignments import FrameFaces
from lib.extract.face import Face
from lib.extract.picture import face_name
from lib.extract.recogniser import Recogniser

_NEAR = 0.15
"""How far landmarks of one face may lie apart in two runs, on average, in widths of its box."""
_LOOKS = 4
"""Pictures of a person that are looked at."""


class People:
    """Gives the people of this run the numbers that they had in the earlier one.

    Parameters
    ----------
    known
        The earlier run's frames by number; none where there was no such run.
    remembered
        Numbers that people have in this run already as they had in that one; see
        `remember_people`.
    """

    def __init__(self, known: Mapping[int, FrameFaces], remembered: Collection[int] = ()) -> None:
        self._known, self._remembered = known, frozenset(remembered)
        self._numbers = {person: person for person in self._remembered}
        people = [face.person for frame in known.values() for face in frame.faces]
        self._next = max(people, default=-1) + 1

    def learn(self, index: int, faces: Iterable[Face]) -> None:
        """Compare faces of this run with those of the same frame in the earlier one."""
        frame = self._known.get(index)
        for face in faces:
            for then in frame.faces if frame is not None else ():
                apart = np.linalg.norm(face.landmarks - then.landmarks, axis=1).mean()
                if apart < _NEAR * then.box[2] and face.person not in self._remembered:
                    self._numbers[face.person] = then.person

    def name(self, faces: Iterable[Face]) -> Sequence[Face]:
        """Faces with their people's numbers; people who are new get new ones."""
        return [replace(face, person=self._number(face.person)) for face in faces]

    def _number(self, person: int) -> int:
        if person not in self._numbers:
            self._numbers[person] = self._next
            self._next += 1
        return self._numbers[person]


def remember_people(
    folder: Path, known: Mapping[int, FrameFaces], recogniser: Recogniser | None
) -> frozenset[int]:
    """Show the people of an earlier run to what knows people again.

    Parameters
    ----------
    folder
        Where the pictures of their faces are, some folders down or not.
    known
        That run's frames by number.
    recogniser
        Has seen nobody yet; None where people are not known again.

    Returns
    -------
    frozenset of int
        The people whom it knows by their numbers now: those who have a picture left.
    """
    if recogniser is None or not known:
        return frozenset()
    remembered = set()
    for person, pictures in _pictures(folder, known).items():
        for at in np.unique(np.linspace(0, len(pictures) - 1, _LOOKS).round().astype(int)):
            path, face = pictures[at]
            image = cv2.imread(str(path))
            if image is not None:
                recogniser.remember(person, np.asarray(image, np.uint8), _moved(face, len(image)))
                remembered.add(person)
    return frozenset(remembered)


def _pictures(
    folder: Path, known: Mapping[int, FrameFaces]
) -> Mapping[int, list[tuple[Path, Face]]]:
    """The pictures that there are of each person, with their faces in the frame."""
    paths = {path.name: path for path in folder.rglob("*.png")}
    pictures = defaultdict(list)
    for frame in known.values():
        for number, face in enumerate(frame.faces):
            names = (face_name(frame.name, number, is_twin=is_twin) for is_twin in (False, True))
            for name in paths.keys() & set(names):
                pictures[face.person].append((paths[name], face))
    return pictures


def _moved(face: Face, size: int) -> Face:
    """A face of a frame as it lies in its picture."""
    landmarks = transform_points(face.landmarks, Alignment(face.landmarks).matrix(size, "head"))
    (x, y), (w, h) = landmarks.min(axis=0).astype(int), np.ptp(landmarks, axis=0).astype(int)
    return replace(face, box=(int(x), int(y), int(w), int(h)), landmarks=landmarks)
