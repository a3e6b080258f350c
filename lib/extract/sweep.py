"""Goes through a video: looks all over a frame now and then, and near to known faces in between."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lib.extract.boxes import SAME, overlaps
from lib.extract.cuts import Cuts
from lib.extract.face import Face
from lib.media.frame import Frame

Pixels = NDArray[np.uint8]
Found = tuple[Frame, list[Face]]
Find = Callable[[Frame], list[Face]]
FindNear = Callable[[Pixels, Sequence[Face]], list[Face]]

EVERY: Final = 5
"""Each frame whose number this divides is looked at all over."""


def sweep(find: Find, find_near: FindNear, frames: Iterable[Frame]) -> Iterator[Found]:
    """Find the faces of frames that follow each other.

    A face that comes in between two frames that are looked at all over is gone after from the
    second one backwards, so none is missed that is in sight at one of them. The first and the last
    frame of a shot are looked at all over, too.

    Parameters
    ----------
    find
        Finds all faces of a frame.
    find_near
        Finds faces again, given those of the frame right before or after.
    frames
        In order. Those that do not follow each other directly, as pictures do not, are looked at
        all over, each of them.

    Yields
    ------
    tuple of Frame and list of Face
        Each frame; up to `EVERY` are held back.
    """
    waiting: list[Found] = []
    is_cut = Cuts()
    for frame in frames:
        begins = frame.time is not None and is_cut(frame.image)
        follows = bool(waiting) and _follows(waiting[-1][0], frame) and not begins
        if follows and frame.index % EVERY:
            waiting.append((frame, find_near(frame.image, waiting[-1][1])))
            continue
        if waiting and not follows:
            yield from _settled(find, find_near, waiting)
            waiting = []
        waiting.append((frame, find(frame)))
        _go_back(find_near, waiting)
        yield from waiting[:-1]
        del waiting[:-1]
        # The last one waits only to tell what is known; it is settled.
    if waiting:
        yield from _settled(find, find_near, waiting)


def _follows(before: Frame, frame: Frame) -> bool:
    return frame.time is not None and frame.index == before.index + 1


def _settled(find: Find, find_near: FindNear, waiting: list[Found]) -> list[Found]:
    """Look all over the last frame of a row, too."""
    if len(waiting) > 1:
        frame, _ = waiting[-1]
        waiting[-1] = frame, find(frame)
        _go_back(find_near, waiting)
    return waiting


def _go_back(find_near: FindNear, waiting: list[Found]) -> None:
    """Find the faces of the last frame in those before, as far as they are new there."""
    faces = waiting[-1][1]
    for frame, known in reversed(waiting[:-1]):
        faces = _new(faces, known)
        if not faces:
            return
        faces = _new(find_near(frame.image, faces), known)
        known.extend(faces)


def _new(faces: Sequence[Face], known: Sequence[Face]) -> list[Face]:
    boxes = np.array([face.box for face in known], np.float64).reshape(-1, 4)
    return [face for face in faces if not (overlaps(face.box, boxes) > SAME).any()]
