"""Knows people again whom an earlier run has numbered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from lib.align.alignments import FrameFaces
from lib.extract.face import Face

_NEAR = 0.15
"""How far landmarks of one face may lie apart in two runs, on average, in widths of its box."""


class People:
    """Gives the people of this run the numbers that they had in the earlier one.

    Parameters
    ----------
    known
        The earlier run's frames by number; none where there was no such run.
    """

    def __init__(self, known: Mapping[int, FrameFaces]) -> None:
        self._known = known
        self._numbers: dict[int, int] = {}
        people = [face.person for frame in known.values() for face in frame.faces]
        self._next = max(people, default=-1) + 1

    def learn(self, index: int, faces: Iterable[Face]) -> None:
        """Compare faces of this run with those of the same frame in the earlier one."""
        frame = self._known.get(index)
        for face in faces:
            for then in frame.faces if frame is not None else ():
                apart = np.linalg.norm(face.landmarks - then.landmarks, axis=1).mean()
                if apart < _NEAR * then.box[2]:
                    self._numbers[face.person] = then.person

    def name(self, faces: Iterable[Face]) -> Sequence[Face]:
        """Faces with their people's numbers; people who are new get new ones."""
        return [replace(face, person=self._number(face.person)) for face in faces]

    def _number(self, person: int) -> int:
        if person not in self._numbers:
            self._numbers[person] = self._next
            self._next += 1
        return self._numbers[person]
