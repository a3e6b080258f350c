"""Which of the faces that are followed belong to one person, and which are wanted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lib.errors import FaceswapError
from lib.extract.face import Face
from lib.extract.identity import ALIKE, Floats
from lib.media.source import open_source

Pixels = NDArray[np.uint8]
Embed = Callable[[Pixels, Face], Floats]

_LOOKS = (0, 5, 25, 125)
"""Frames that a face has been followed for when it is looked at, to know it from all sides."""


@dataclass
class _Person:
    number: int
    vectors: list[Floats] = field(default_factory=list)
    is_wanted: bool = True

    def distance(self, vector: Floats) -> float:
        return min(float(np.linalg.norm(vector - each)) for each in self.vectors)


class Recogniser:
    """Knows people again after a cut, or when they come back.

    Parameters
    ----------
    embed
        Makes the vector of a face; see `lib.extract.identity.Identity`.
    only
        Vectors of the people who are wanted, ``(n, 128)``; all are if there are none.

    Attributes
    ----------
    unwanted
        Faces so far that were of others.
    """

    def __init__(self, embed: Embed, only: Sequence[Floats] = ()) -> None:
        self._embed, self._only = embed, only
        self._people: list[_Person] = []
        self._followed: dict[int, tuple[_Person, int]] = {}
        self.unwanted = 0

    def __call__(self, image: Pixels, faces: Sequence[Face]) -> list[Face]:
        """Put people's numbers in the place of the tracks'.

        Parameters
        ----------
        image
            The frame, ``(height, width, 3)``, BGR.
        faces
            Its faces, with numbers of tracks.

        Returns
        -------
        list of Face
            Those who are wanted. Faces of one frame are of different people.
        """
        here = [self._followed[face.person][0] for face in faces if face.person in self._followed]
        found = []
        for face in faces:
            person = self._look(image, face, here)
            if person.is_wanted:
                found.append(replace(face, person=person.number))
            else:
                self.unwanted += 1
        return found

    def remember(self, person: int, image: Pixels, face: Face) -> None:
        """Learn what someone looks like who has a number already; several looks are better.

        Parameters
        ----------
        person
            The number, which they keep. Before any face is followed.
        image
            A picture of them, ``(height, width, 3)``, BGR.
        face
            Their face in it.
        """
        known = next((each for each in self._people if each.number == person), None)
        if known is None:
            known = _Person(person)
            self._people.append(known)
        self._see(known, self._embed(image, face))

    def _look(self, image: Pixels, face: Face, here: list[_Person]) -> _Person:
        person, age = self._followed.get(face.person, (None, 0))
        if person is None or age in _LOOKS:
            vector = self._embed(image, face)
            person = person or self._know(vector, here)
            self._see(person, vector)
        self._followed[face.person] = person, age + 1
        return person

    def _see(self, person: _Person, vector: Floats) -> None:
        person.vectors.append(vector)
        person.is_wanted = self._is_wanted(person)

    def _know(self, vector: Floats, here: list[_Person]) -> _Person:
        """Find the nearest of those who are not elsewhere in the frame, or a new person."""
        absent = [each for each in self._people if each not in here]
        nearest = min(absent, key=lambda each: each.distance(vector), default=None)
        if nearest is None or nearest.distance(vector) >= ALIKE:
            nearest = _Person(max((each.number for each in self._people), default=-1) + 1)
            self._people.append(nearest)
        here.append(nearest)
        return nearest

    def _is_wanted(self, person: _Person) -> bool:
        return not self._only or min(person.distance(each) for each in self._only) < ALIKE


def examples(find: Callable[[Pixels], list[Face]], embed: Embed, path: str | Path) -> list[Floats]:
    """Vectors of the people in example pictures.

    Parameters
    ----------
    find
        Finds the faces of a picture.
    embed
        Makes the vector of a face.
    path
        A picture of one person, or a folder of such; stored faces will do.

    Raises
    ------
    FaceswapError
        There is no picture, or one shows no face or several.
    """
    vectors = []
    for frame in open_source(path).frames():
        faces = find(frame.image)
        if len(faces) != 1:
            raise FaceswapError(
                f"'{path}' is to show who is wanted, but {frame.name} shows "
                f"{len(faces) or 'no'} faces: cut it to one face"
            )
        vectors.append(embed(frame.image, faces[0]))
    return vectors
