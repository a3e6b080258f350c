"""Looks at what detectors and aligners give, so that a faulty one is named."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lib.checked import call, described, fault
from lib.extract.face import Detection

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Detect = Callable[[Pixels], Sequence[Detection]]
Align = Callable[[Pixels, Detection], Floats | None]

_FAR = 4
"""Longer edges of the frame that a box may reach from its corner."""
_FARTHEST = 1e6
"""Pixels that landmarks may lie from the frame's corner; an alignments file holds no more."""


def checked_detect(detect: Detect) -> Detect:
    """The same detector, only that it raises FaceswapError where it gives no detections."""

    def checked(image: Pixels) -> list[Detection]:
        found = call("detector", detect, image)
        if not isinstance(found, Sequence):
            raise fault("detector", detect, f"gave {described(found)} for a list of Detection")
        try:
            return [_detection(each, _FAR * max(image.shape[:2])) for each in found]
        except (TypeError, ValueError) as error:
            raise fault("detector", detect, f"gave {error}") from error

    return checked


def checked_align(align: Align) -> Align:
    """The same aligner, only that it raises FaceswapError where it gives no 68 points."""

    def checked(image: Pixels, detection: Detection) -> Floats | None:
        found = call("aligner", align, image, detection)
        if found is None:
            return None
        try:
            return _numbers(found, (68, 2), _FARTHEST)
        except (TypeError, ValueError) as error:
            raise fault("aligner", align, f"gave {error}") from error

    return checked


def _detection(found: object, far: float) -> Detection:
    if not isinstance(found, Detection):
        raise TypeError(f"{described(found)} for a Detection")
    try:
        x, y, w, h = _numbers(found.box, (4,), far).tolist()
        score = _numbers(found.score, (), far).item()
        eyes = None if found.eyes is None else _numbers(found.eyes, (2, 2), far)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a Detection with {error}") from error
    return Detection((x, y, w, h), score, eyes)


def _numbers(found: object, shape: tuple[int, ...], far: float) -> Floats:
    try:
        numbers = np.asarray(found, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{described(found)} for numbers of {shape}") from None
    if numbers.shape != shape:
        raise ValueError(f"an array {numbers.shape} for one of {shape}")
    if not (np.abs(numbers) <= far).all():
        raise ValueError(f"numbers that are not finite, or beyond {far:,.0f}")
    return numbers
