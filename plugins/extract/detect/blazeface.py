"""MediaPipe's BlazeFace for near faces, run at as many sizes as it takes to see the small ones.

V. Bazarevsky, Y. Kartynnik, A. Vakunov, K. Raveendran and M. Grundmann, 2019, "BlazeFace:
sub-millisecond neural face detection on mobile GPUs", arXiv:1907.05047. Apart from its anchors the
network is convolutional. Made for pictures of 128 pixels, it takes larger ones just as well, so a
frame is looked at whole and needs no tiles. It finds faces of 16 to 128 of its pixels.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.extract.boxes import SAME, overlaps
from lib.extract.face import Detection
from lib.extract.weights import BLAZEFACE
from plugins.extract.detect._base import DetectBase

Floats = NDArray[np.float64]

_EDGE = 128
"""Longer edge of the smallest picture that is looked at."""
_SEEN = 16
"""Width of the smallest face that is found without fail, in pixels of that picture."""
_STEP = 5
"""From one size to the next; faces are then 16 to 80 pixels wide at one of them."""
_LARGEST = 100
"""Width of the largest face that counts, at all sizes but the smallest: that finds it better."""
_ANCHORS = ((8, 2), (16, 6))
"""Pixels from cell to cell of both grids, and anchors in each cell."""
_SURE = 0.5


class Detect(DetectBase):
    """BlazeFace, run by OpenCV.

    The time goes by the area of the frame over that of the smallest face: halve its width and it
    takes four times as long.

    Raises
    ------
    FaceswapError
        The weights are not installed.
    """

    def __init__(self, smallest: int = 24) -> None:
        super().__init__(smallest)
        self._net = BLAZEFACE.read_tflite()

    def __call__(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Find the faces of a frame; the base class says how."""
        coarse, *fine = scales(image.shape[:2], self.smallest)
        looks = [self._look(image, coarse, np.inf)]
        looks += [self._look(image, scale, _LARGEST / scale) for scale in fine]
        scores, points = (np.concatenate(part) for part in zip(*looks, strict=True))
        return [each for each in merge(scores, points) if each.box[2] >= self.smallest]

    def _look(
        self, image: NDArray[np.uint8], scale: float, largest: float
    ) -> tuple[Floats, Floats]:
        """Scores ``(n,)``, and ``(n, 4, 2)``: centre, size and both eyes in pixels of the frame."""
        size = np.maximum(np.rint(np.multiply(image.shape[1::-1], scale)), 1).astype(int)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(image, size.tolist(), interpolation=how)
        right, below = (-size % _ANCHORS[-1][0]).tolist()
        padded = cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_CONSTANT)
        self._net.setInput(cv2.dnn.blobFromImage(padded, 1 / 127.5, mean=(127.5,) * 3, swapRB=True))
        raw, logits = self._net.forward(["regressors", "classificators"])
        points = raw.reshape(-1, 8, 2)[:, :4].astype(np.float64)
        height, width = padded.shape[:2]
        anchors = np.concatenate([_anchors(height, width, *each) for each in _ANCHORS])
        points[:, [0, 2, 3]] += anchors[:, None]
        is_sure = logits.ravel() > np.log(_SURE / (1 - _SURE))
        scores = 1 / (1 + np.exp(-logits.ravel()[is_sure].astype(np.float64)))
        points = points[is_sure] * (np.array(image.shape[1::-1]) / size)
        points[:, [0, 2, 3]] -= 0.5  # whole numbers are the middles of pixels
        is_small = points[:, 1].max(axis=1) < largest
        return scores[is_small], points[is_small]


def scales(shape: tuple[int, ...], smallest: int) -> list[float]:
    """What to scale a frame by, so that each face of interest comes to a size that is found.

    Parameters
    ----------
    shape
        Height and width of the frame in pixels.
    smallest
        Width of the smallest face worth finding, in pixels.

    Returns
    -------
    list of float
        Smallest first; at least one.
    """
    found = [_EDGE / max(shape)]
    finest = _SEEN / smallest
    while found[-1] * _STEP < finest:
        found.append(found[-1] * _STEP)
    return [*found, finest] if finest > found[-1] else found


def merge(scores: Floats, points: Floats) -> Iterator[Detection]:
    """Join the anchors that have seen the same face, each by its score.

    Parameters
    ----------
    scores
        ``(n,)``, 0..1.
    points
        ``(n, 4, 2)``: centre, width and height, left eye and right eye.

    Yields
    ------
    Detection
        The surest first.
    """
    boxes = np.concatenate([points[:, 0] - points[:, 1] / 2, points[:, 1]], axis=1)
    left = np.argsort(-scores, kind="stable")
    while len(left):
        is_same = overlaps(boxes[left[0]].tolist(), boxes[left]) > SAME
        is_same[0] = True
        same = left[is_same]
        x, y, w, h = np.average(boxes[same], axis=0, weights=scores[same]).tolist()
        eyes = np.average(points[same, 2:], axis=0, weights=scores[same])
        yield Detection((x, y, w, h), float(scores[left[0]]), eyes)
        left = left[~is_same]


def _anchors(height: int, width: int, stride: int, many: int) -> Floats:
    """``(n, 2)``: the middles of a grid's cells, as often as a cell has anchors."""
    rows, columns = np.mgrid[: height // stride, : width // stride]
    middles = np.stack([columns, rows], axis=-1).reshape(-1, 2) + 0.5
    return np.repeat(middles * stride, many, axis=0)
