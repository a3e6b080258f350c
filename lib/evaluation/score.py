"""Likeness of pictures inside a mask: PSNR and SSIM, as the held-out score defines them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import window_edge
from lib.data.faceset import Cut, FaceSet

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

CROP = 192
"""Edge in pixels of the face in which predictions are compared."""

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


@dataclass(frozen=True)
class Score:
    """Likeness of two pictures.

    Attributes
    ----------
    psnr
        Peak signal to noise ratio, dB; infinite for equal pictures.
    ssim
        Structural similarity, -1..1.
    """

    psnr: float
    ssim: float

    def __str__(self) -> str:
        return f"{self.psnr:.1f} dB / {self.ssim:.3f}"


def mean(scores: list[Score]) -> Score:
    """Mean of scores, each of the two figures by itself."""
    return Score(
        float(np.mean([score.psnr for score in scores])),
        float(np.mean([score.ssim for score in scores])),
    )


def _smooth(image: Floats) -> Floats:
    return np.asarray(cv2.GaussianBlur(image, (11, 11), 1.5), dtype=np.float64)


def _ssim_map(x: Floats, y: Floats) -> Floats:
    """SSIM of each pixel, mean over channels: Gaussian window of 11 pixels, sigma 1.5."""
    mean_x, mean_y = _smooth(x), _smooth(y)
    var_x, var_y = _smooth(x * x) - mean_x**2, _smooth(y * y) - mean_y**2
    covariance = _smooth(x * y) - mean_x * mean_y
    above = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    below = (mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2)
    ssim: Floats = (above / below).mean(axis=-1)
    return ssim


def likeness(truth: Pixels, picture: Pixels | Floats, mask: NDArray[np.bool_]) -> Score:
    """Likeness of a picture to the truth.

    Parameters
    ----------
    truth, picture
        ``(height, width, 3)`` in 0..255.
    mask
        ``(height, width)``; only pixels where it is true count.

    Returns
    -------
    Score
    """
    x, y = truth.astype(np.float64), picture.astype(np.float64)
    error = float(np.square(x - y)[mask].mean())
    psnr = 10 * np.log10(255**2 / error) if error else np.inf
    return Score(float(psnr), float(_ssim_map(x, y)[mask].mean()))


def score_prediction(face: Pixels, mask: Pixels, prediction: Pixels, coverage: float) -> Score:
    """Score a prediction in its window of the face.

    Parameters
    ----------
    face
        Full-coverage face, ``(size, size, 3)``.
    mask
        Its face mask, ``(size, size)``; values from 128 up count.
    prediction
        ``(edge, edge, 3)``; it is resized (bicubic) to the window.
    coverage
        Share of the face's edge that the prediction shows, 0..1.

    Returns
    -------
    Score
    """
    size = len(face)
    edge = window_edge(size, coverage)
    start = (size - edge) // 2
    window = slice(start, start + edge)
    enlarged = cv2.resize(
        prediction.astype(np.float32), (edge, edge), interpolation=cv2.INTER_CUBIC
    )
    return likeness(
        face[window, window],
        np.clip(enlarged, 0, 255).astype(np.float64),
        mask[window, window] >= 128,
    )


def score_cut(centring: str) -> Cut:
    """How faces are cut whose predictions are scored: large, with a hard mask."""
    return Cut(CROP, centring, "extended", mask_blur_kernel=0, mask_threshold=0)


def score_faces(truth: FaceSet, predictions: Pixels, coverage: float) -> Score:
    """Mean score of the predictions of several faces.

    Parameters
    ----------
    truth
        The faces, cut as `score_cut` says.
    predictions
        The trained window of each, ``(n, edge, edge, 3)``.
    coverage
        Share of a face's edge that the predictions show, 0..1.
    """
    faces = zip(truth.images, truth.masks, predictions, strict=True)
    return mean([score_prediction(face, mask[..., 0], p, coverage) for face, mask, p in faces])
