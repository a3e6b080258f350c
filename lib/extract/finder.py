"""From frames to faces: finds them, lays landmarks on them and follows them."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import Alignment
from lib.errors import FaceswapError
from lib.extract.boxes import SAME, overlaps
from lib.extract.checked import Align, Detect, Pixels, checked_align, checked_detect
from lib.extract.face import Detection, Face
from lib.extract.near import about, detect_near
from lib.extract.recogniser import Recogniser
from lib.extract.smooth import Smoother
from lib.extract.sweep import sweep
from lib.extract.tracks import Tracker
from lib.extract.turn import detect_turned
from lib.media.frame import Frame

_SETTLES = 2
"""Looks after which landmarks do not depend any more on where the detector saw the face."""


class FaceFinder:
    """Finds the faces of frames.

    Parameters
    ----------
    detect, align
        The plugins, or what is called as they are.
    smallest
        Width in pixels of the smallest face to give.
    most
        The most faces of a frame, the largest first; None gives all.
    rotate
        Whether a frame that shows no upright face is looked at from the other sides, which takes
        four times as long.
    recogniser
        Knows people again and tells who is wanted; without it all are, and a face is someone else
        after a cut.

    Attributes
    ----------
    recogniser
        The one that was given.

    Raises
    ------
    FaceswapError
        From its methods: a plugin raised an error, or gave what is no detection or no landmarks.
    """

    def __init__(
        self,
        detect: Detect,
        align: Align,
        *,
        smallest: int = 24,
        most: int | None = None,
        rotate: bool = False,
        recogniser: Recogniser | None = None,
    ) -> None:
        self._detect, self._align = checked_detect(detect), checked_align(align)
        self._follows = bool(getattr(align, "tells_faces", False))
        self._smallest, self._most, self._rotate = smallest, most, rotate
        self.recogniser = recogniser

    @property
    def recognises(self) -> bool:
        """Whether people are known again after a cut."""
        return self.recogniser is not None

    def __call__(self, image: Pixels) -> list[Face]:
        """Find the faces of a frame of its own, whoever they are of.

        Parameters
        ----------
        image
            ``(height, width, 3)``, BGR.

        Returns
        -------
        list of Face
            The largest first.
        """
        return self._largest(self._find(image))

    def follow(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, list[Face]]]:
        """Find the faces of frames that follow each other.

        Parameters
        ----------
        frames
            In order. A few are held back: `lib.extract.sweep.EVERY` and `lib.extract.smooth.LAG`.

        Yields
        ------
        tuple of Frame and list of Face
            Each frame, with its faces by their people's numbers, which stay the same from frame to
            frame; the landmarks are smoothed.
        """
        tracker, smoother = Tracker(), Smoother()
        for frame, found in self._go_through(frames):
            faces = tracker(frame.image, found)
            if self.recogniser is not None:
                faces = self.recogniser(frame.image, faces)
            faces = sorted(self._largest(faces), key=lambda face: face.person)
            yield from smoother.push(frame, faces)
        yield from smoother.flush()

    def _go_through(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, list[Face]]]:
        if self._rotate:
            return ((frame, self._find(frame.image)) for frame in frames)
        return sweep(self._find_all, self._find_near, frames)

    def _largest(self, faces: list[Face]) -> list[Face]:
        return sorted(faces, key=lambda face: -face.box[2])[: self._most]

    def _find(self, image: Pixels) -> list[Face]:
        faces = self._faces(image, self._detect(image))
        if not faces and self._rotate:
            faces = self._faces(image, detect_turned(self._detect, image))
        return faces

    def _find_all(self, frame: Frame) -> list[Face]:
        faces = self._find(frame.image)
        if frame.time is None or not self._follows:
            return faces
        # Looked at again until they stand as still as those of the frames in between, which are
        # followed: a face would tremble else each time that it is looked for all over.
        for _ in range(_SETTLES):
            faces = [self._follow(frame.image, face) or face for face in faces]
        return faces

    def _find_near(self, image: Pixels, faces: Sequence[Face]) -> list[Face]:
        found: list[Face] = []
        for face in faces:
            again = self._follow(image, face) if self._follows else None
            again = again or self._detect_again(image, face)
            if again is not None and not _is_among(again.box, found):
                found.append(again)
        return found

    def _detect_again(self, image: Pixels, face: Face) -> Face | None:
        near = detect_near(self._detect, image, face.box, self._smallest)
        return None if near is None else self._face(image, near)

    def _follow(self, image: Pixels, face: Face) -> Face | None:
        """The same face in the next frame, by where its landmarks were; None where it is lost."""
        landmarks = self._align(image, about(face.landmarks))
        if landmarks is None or not _is_face(landmarks):
            return None
        again = _made(about(landmarks, face.score), landmarks)
        is_same = again.box[2] >= self._smallest and _is_among(face.box, [again])
        return again if is_same else None

    def _faces(self, image: Pixels, detections: Sequence[Detection]) -> list[Face]:
        """Those detections that are faces indeed, each face once."""
        faces: list[Face] = []
        for detection in detections:
            face = None if _is_among(detection.box, faces) else self._face(image, detection)
            if face is not None:
                faces.append(face)
        return faces

    def _face(self, image: Pixels, detection: Detection) -> Face | None:
        """The face of a detection, None where it is too small or none after all."""
        if detection.box[2] < self._smallest:
            return None
        landmarks = self._align(image, detection)
        if landmarks is None or not _is_face(landmarks):
            return None
        return _made(detection, landmarks)


def _made(detection: Detection, landmarks: NDArray[np.float64]) -> Face:
    x, y, w, h = (round(value) for value in detection.box)
    return Face((x, y, w, h), landmarks, detection.score)


def _is_among(box: Sequence[float], faces: Sequence[Face]) -> bool:
    boxes = np.array([face.box for face in faces], np.float64).reshape(-1, 4)
    return bool((overlaps(box, boxes) > SAME).any())


def _is_face(landmarks: NDArray[np.float64]) -> bool:
    """Whether a face of these landmarks can be cut out."""
    try:
        return bool(np.isfinite(Alignment(landmarks).matrix(2, "head")).all())
    except FaceswapError:
        return False
