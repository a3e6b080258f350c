"""MediaPipe's Face Mesh, and the 68 of its 468 points that others train with.

Y. Kartynnik, A. Ablavatski, I. Grishchenko and M. Grundmann, 2019, "Real-time facial surface
geometry from monocular video on mobile GPUs", arXiv:1907.06724.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import transform_points, umeyama
from lib.align.tables import MEAN_FACE_51
from lib.extract.face import Detection
from lib.extract.near import about
from lib.extract.weights import FACE_MESH
from plugins.extract.align._base import AlignBase
from plugins.extract.align._offsets import OFFSETS

Floats = NDArray[np.float64]

_EDGE = 192
_AROUND = 1.5
"""Edge of the network's picture over that of the box."""
_MORE = 2
"""The most looks after the first one, each where the last one has found the face."""
_MOVED = 0.07
"""Part of the picture's edge by which its corners still move, if another look is worth it."""
_SURE = 10.0
"""Least logit. That of faces 14 pixels wide is 14, of any face seen upside down below 9."""

# fmt: off
POINTS: Final = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)
"""Numbers of the mesh's points that lie nearest to the 68 of iBUG: jaw, brows, nose, eyes and
mouth."""
# fmt: on


class Align(AlignBase):
    """Face Mesh, run by OpenCV.

    It looks twice at a face that a detector has found, the second time where the first look has
    found it: landmarks then tremble half as much, for they do not follow the detector's box.

    Raises
    ------
    FaceswapError
        The weights are not installed.
    """

    tells_faces = True

    def __init__(self) -> None:
        self._net = FACE_MESH.read_tflite()

    def __call__(self, image: NDArray[np.uint8], detection: Detection) -> Floats | None:
        """Find the landmarks of one face; the base class says how."""
        matrix = crop_matrix(detection)
        landmarks, is_settled = self._look(image, matrix), False
        for _ in range(_MORE):
            if landmarks is None or is_settled:
                break
            before, matrix = matrix, crop_matrix(about(landmarks))
            is_settled = not _is_off(before, matrix)
            if not (is_settled and detection.is_followed):
                landmarks = self._look(image, matrix)
        return landmarks

    def _look(self, image: NDArray[np.uint8], matrix: Floats) -> Floats | None:
        how = cv2.INTER_LINEAR if np.linalg.norm(matrix[:, 0]) > 1 else cv2.INTER_AREA
        crop = cv2.warpAffine(image, matrix, (_EDGE, _EDGE), flags=how)
        self._net.setInput(cv2.dnn.blobFromImage(crop, 1 / 255, swapRB=True))
        points, logit = self._net.forward(["conv2d_20", "conv2d_30"])
        if float(logit.item()) < _SURE:
            return None
        mesh = points.reshape(-1, 3)[list(POINTS), :2].astype(np.float64) - 0.5
        return transform_points(as_ibug(mesh), _inverse(matrix))


def crop_matrix(detection: Detection) -> Floats:
    """Lay a face into the network's picture, its eyes level.

    Parameters
    ----------
    detection
        Where the face is; without eyes it is taken to be upright.

    Returns
    -------
    Floats
        ``(2, 3)``, from pixels of the frame to pixels of the network's picture.
    """
    x, y, w, h = detection.box
    across = (1.0, 0.0) if detection.eyes is None else detection.eyes[1] - detection.eyes[0]
    scale = _EDGE / (_AROUND * max(w, h))
    cosine, sine = np.divide(across, max(float(np.hypot(*across)), 1e-9)) * scale
    turn = np.array([[cosine, sine], [-sine, cosine]])
    middle = np.full(2, (_EDGE - 1) / 2)
    return np.column_stack([turn, middle - turn @ (x + w / 2, y + h / 2)])


def as_ibug(points: Floats) -> Floats:
    """Move the mesh's points by what iBUG's, as dlib finds them, differ from them on average.

    Parameters
    ----------
    points
        ``(68, 2)``, the mesh's points of the numbers `POINTS`.

    Returns
    -------
    Floats
        ``(68, 2)``, in the same pixels.
    """
    matrix = umeyama(points[17:], MEAN_FACE_51)
    return transform_points(transform_points(points, matrix) + OFFSETS, _inverse(matrix))


def _is_off(before: Floats, matrix: Floats) -> bool:
    """Whether the corners of two looks lie apart, as where a head is tilted or a face small."""
    corners = np.array([[0, 0], [_EDGE, 0], [0, _EDGE], [_EDGE, _EDGE]], np.float64)
    there = transform_points(transform_points(corners, _inverse(before)), matrix)
    return bool(np.abs(there - corners).max() > _MOVED * _EDGE)


def _inverse(matrix: Floats) -> Floats:
    return np.asarray(cv2.invertAffineTransform(matrix), np.float64)
