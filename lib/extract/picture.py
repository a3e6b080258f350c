"""Cuts a face out of its frame and writes it, and draws what was found."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import Alignment
from lib.align.header import FaceHeader, write_png
from lib.extract.face import Face
from lib.media.frame import Frame

Pixels = NDArray[np.uint8]

_BOX, _POINT, _INK = (80, 200, 255), (120, 255, 80), (255, 255, 255)


def face_name(frame_name: str, number: int, *, is_twin: bool = False) -> str:
    """File name of a frame's face: the frame's, the face's number in it from 0, and .png.

    The suffix of the frame stays in it where another frame has the same name but for the suffix.
    """
    stem = frame_name if is_twin else Path(frame_name).stem
    return f"{stem}_{number}.png"


def cut_face(image: Pixels, landmarks: NDArray[np.float64], size: int) -> Pixels:
    """Cut a face out of a frame.

    Parameters
    ----------
    image
        The frame, ``(height, width, 3)``.
    landmarks
        ``(68, 2)`` in pixels of the frame.
    size
        Edge of the crop in pixels.

    Returns
    -------
    Pixels
        ``(size, size, 3)``, 'head'-centred at full coverage; black where the frame ends.

    Raises
    ------
    FaceswapError
        The landmarks form no face.
    """
    matrix = Alignment(landmarks).matrix(size, "head")
    is_enlarged = np.linalg.norm(matrix[:, 0]) > 1
    how = cv2.INTER_CUBIC if is_enlarged else cv2.INTER_AREA
    return np.asarray(cv2.warpAffine(image, matrix, (size, size), flags=how), np.uint8)


def write_face(
    path: Path, frame: Frame, number: int, face: Face, size: int, *, is_video: bool
) -> None:
    """Write a face with its alignment, as other programs of the trade read it.

    Parameters
    ----------
    path
        File to write or replace; see `face_name`.
    frame
        The frame that the face is in.
    number
        The face's number in the frame, from 0.
    face
        The face.
    size
        Edge of the picture in pixels.
    is_video
        Whether the frame is a video's.

    Raises
    ------
    FaceswapError
        The landmarks form no face, or the file can't be written.
    """
    height, width = frame.image.shape[:2]
    header = FaceHeader(
        landmarks=face.landmarks,
        box=face.box,
        original_filename=path.name,
        face_index=number,
        source_filename=frame.name,
        source_is_video=is_video,
        source_frame_dims=(height, width),
    )
    write_png(path, cut_face(frame.image, face.landmarks, size), header)


def draw_faces(image: Pixels, faces: tuple[Face, ...]) -> Pixels:
    """Draw boxes, scores and landmarks on a copy of a frame, ``(height, width, 3)``."""
    drawn = image.copy()
    for face in faces:
        x, y, w, h = face.box
        cv2.rectangle(drawn, (x, y), (x + w, y + h), _BOX, 1, cv2.LINE_AA)
        words = f"{face.person + 1}: {face.score:.2f}"
        cv2.putText(drawn, words, (x, y - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _INK, 1, cv2.LINE_AA)
        for point in np.rint(face.landmarks * 16).astype(int).tolist():
            cv2.circle(drawn, point, 16, _POINT, -1, cv2.LINE_AA, shift=4)
    return drawn
