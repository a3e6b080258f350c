"""Where a video cuts from one shot to another."""

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

_EDGE = 32
_LEAST = 10.0
"""Grey levels by which a cut changes a picture of that edge at least, on average."""
_TIMES = 3.0
"""Times as much as frames changed right before; so that fast pans are no cuts."""
_BEFORE = 5


class Cuts:
    """Tells cuts from movement, as frames come."""

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._changes: deque[float] = deque(maxlen=_BEFORE)

    def __call__(self, image: NDArray[np.uint8]) -> bool:
        """Whether a frame is the first one of a shot; the very first frame is.

        Parameters
        ----------
        image
            ``(height, width, 3)``, the frame after the one that was given last.
        """
        # To average all pixels of a large frame would take as long as to find a face in it.
        step = max(1, min(image.shape[:2]) // (4 * _EDGE))
        thin = np.ascontiguousarray(image[::step, ::step])
        small = cv2.resize(thin, (_EDGE, _EDGE), interpolation=cv2.INTER_AREA).astype(np.float32)
        last, self._last = self._last, small
        if last is None:
            return True
        change = float(np.abs(small - last).mean())
        before = float(np.mean(self._changes)) if self._changes else 0.0
        self._changes.append(change)
        return change > max(_LEAST, _TIMES * before)
