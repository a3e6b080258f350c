"""Follows faces from frame to frame, by where they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from lib.extract.cuts import Cuts
from lib.extract.face import Face

_NEAR = 0.5
"""How far a face's landmarks may lie from where they are expected, in widths of its box."""
_PATIENCE = 12
"""Frames that a face may be out of sight and still be the same one."""
_FAR = 1e6


@dataclass
class _Track:
    """A face on its way: where it was last, how it moves, and since when it is out of sight."""

    number: int
    landmarks: NDArray[np.float64]
    speed: NDArray[np.float64]
    unseen: int = 0

    def expected(self) -> NDArray[np.float64]:
        return self.landmarks + self.speed * (self.unseen + 1)

    def see(self, landmarks: NDArray[np.float64]) -> None:
        moved = (landmarks - self.landmarks).mean(axis=0)
        self.speed = moved / (self.unseen + 1)
        self.landmarks, self.unseen = landmarks, 0


class Tracker:
    """Numbers faces so that one keeps its number from frame to frame.

    A face that is lost for longer than half a second of film, or across a cut, gets a new number:
    who it is can't be told from where it is.
    """

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._next = 0
        self._cuts = Cuts()

    def __call__(self, image: NDArray[np.uint8], faces: Sequence[Face]) -> list[Face]:
        """Number the faces of the next frame.

        Parameters
        ----------
        image
            The frame, ``(height, width, 3)``.
        faces
            Its faces, in any order.

        Returns
        -------
        list of Face
            In the same order; `Face.person` is the face's number, from 0.
        """
        if self._cuts(image):
            self._tracks.clear()
        numbers = self._match(faces)
        for track in self._tracks:
            track.unseen += track.number not in numbers
        self._tracks = [track for track in self._tracks if track.unseen <= _PATIENCE]
        return [replace(face, person=n) for face, n in zip(faces, numbers, strict=True)]

    def _match(self, faces: Sequence[Face]) -> list[int]:
        costs = np.array([[_apart(face, each) for each in self._tracks] for face in faces])
        pairs = zip(*linear_sum_assignment(costs), strict=True) if costs.size else ()
        known = {int(row): self._tracks[column] for row, column in pairs if costs[row, column] < 1}
        return [self._see(face, known.get(row)) for row, face in enumerate(faces)]

    def _see(self, face: Face, track: _Track | None) -> int:
        if track is None:
            track = _Track(self._next, face.landmarks, np.zeros(2))
            self._tracks.append(track)
            self._next += 1
        else:
            track.see(face.landmarks)
        return track.number


def _apart(face: Face, track: _Track) -> float:
    """How ill a face goes with a track: below 1 it may be the same."""
    away = np.linalg.norm(face.landmarks - track.expected(), axis=1).mean()
    apart = float(away) / (_NEAR * max(face.box[2], 1))
    return apart if apart < 1 else _FAR
