"""Draws pictures side by side under headings."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_HEADING = 28
_INK = (235, 235, 235)
_PAPER = 40


def put_in_place(face: Pixels, mask: Pixels, prediction: Pixels, edge: int) -> Pixels:
    """Blend a prediction into the centred window of a face, where its mask says that the face is.

    Parameters
    ----------
    face
        ``(size, size, 3)``.
    mask
        ``(size, size)``, 0..255; its border is softened.
    prediction
        ``(n, n, 3)``; it is resized (bicubic) to the window.
    edge
        Edge of the window in pixels.
    """
    start = (len(face) - edge) // 2
    window = slice(start, start + edge)
    inside = np.zeros_like(mask)
    inside[window, window] = mask[window, window]
    soft = cv2.GaussianBlur(cv2.erode(inside, np.ones((5, 5), np.uint8)), (0, 0), 2.0)
    share = soft[window, window, None].astype(np.float32) / 255
    enlarged = cv2.resize(prediction, (edge, edge), interpolation=cv2.INTER_CUBIC)
    result = face.copy()
    result[window, window] = np.rint(share * enlarged + (1 - share) * face[window, window])
    return result


def comparison(blocks: Sequence[Mapping[str, Pixels]]) -> Pixels:
    """Lay out blocks of columns, each a heading over pictures.

    Parameters
    ----------
    blocks
        Side by side; each maps a column's heading to its pictures ``(rows, size, size, 3)``, BGR.
        All have the same rows and sizes.

    Returns
    -------
    Pixels
        ``(height, width, 3)``, BGR.
    """
    columns = [_column(heading, rows) for block in blocks for heading, rows in block.items()]
    gap = np.full((len(columns[0]), 12, 3), _PAPER, np.uint8)
    parts: list[Pixels] = []
    done = 0
    for block in blocks:
        parts += [gap] * bool(parts) + columns[done : done + len(block)]
        done += len(block)
    return np.concatenate(parts, axis=1)


def _column(heading: str, rows: Pixels) -> Pixels:
    head = np.full((_HEADING, rows.shape[2], 3), _PAPER, np.uint8)
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.5
    (width, height), _ = cv2.getTextSize(heading, font, scale, 1)
    scale *= min(1.0, (rows.shape[2] - 8) / width)
    place = (4, (_HEADING + height) // 2)
    cv2.putText(head, heading, place, font, scale, _INK, 1, cv2.LINE_AA)
    return np.concatenate([head, *rows])
