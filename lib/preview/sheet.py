"""Draws the contact sheet that shows how far a model has come.

A row is one sample of either side: the original, what the side's own decoder makes of it, and what
the other side's decoder makes of it; A on the left, B on the right.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

LABELS = (
    "Original (A)",
    "Original > Original",
    "Original > Swap",
    "Swap (B)",
    "Swap > Swap",
    "Swap > Original",
)
"""Headings of a row's six cells."""

_ROWS_IN_ONE_BLOCK = 7
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LINE_HEIGHT = 36  # pixels at a font scale of 1, as is the next
_BASELINE = 27
_BACKGROUND = 40
_INK = (235, 235, 235)
_BRACKET = (255, 255, 255)
_RED = np.array((0, 0, 255), np.float32)
_TINT = 0.3
_MASK_MIDDLE = 128


@dataclass(frozen=True, eq=False)
class SideSamples:
    """Sample faces of one side and what the model makes of them.

    Attributes
    ----------
    originals
        Faces at full coverage, ``(K, S, S, 3)``, BGR.
    same
        Predictions of the side's own decoder for the trained window, ``(K, p, p, 3)``, BGR, uint8
        or floating point in 0..1.
    swapped
        Predictions of the other side's decoder, as `same`; the edge may differ.
    masks
        What counts as face, ``(K, S, S)``, 0..255; None where there is no mask.
    """

    originals: Pixels
    same: NDArray[np.uint8] | NDArray[np.floating]
    swapped: NDArray[np.uint8] | NDArray[np.floating]
    masks: Pixels | None


@dataclass(frozen=True)
class Layout:
    """Where things lie on a sheet, in pixels.

    More than seven samples stand in two blocks side by side: fourteen samples then have the shape
    of a 16:9 screen, and those of 94 to 128 pixels fit a 1080p one unscaled.

    Attributes
    ----------
    count
        Samples on the sheet.
    cell
        Edge of a cell.
    """

    count: int
    cell: int

    @property
    def blocks(self) -> int:
        """Blocks side by side."""
        return 1 if self.count <= _ROWS_IN_ONE_BLOCK else 2

    @property
    def rows(self) -> int:
        """Rows of a block."""
        return -(-self.count // self.blocks)

    @property
    def gap(self) -> int:
        """Space between cells; four times as much lies between the sides and round the sheet."""
        return max(1, self.cell // 64)

    @property
    def font_scale(self) -> float:
        """Size of the headings: grows with the cell, faster where every pixel counts."""
        return max(min(0.6, self.cell / 200), self.cell / 450)

    @property
    def headings(self) -> list[list[str]]:
        """Lines of each column's heading: one where the longest fits its cell, else up to two."""
        if max(_text_width(label, self.font_scale) for label in LABELS) < 0.96 * self.cell:
            return [[label] for label in LABELS]
        return [_wrapped(label) for label in LABELS]

    @property
    def header(self) -> int:
        """Height of the headings."""
        lines = max(len(lines) for lines in self.headings)
        return round((lines + 0.7) * _LINE_HEIGHT * self.font_scale)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the sheet; even, as video encoders want a time-lapse to be."""
        x, y = self.corner(self.blocks * self.rows - 1, len(LABELS) - 1)
        height, width = y + self.cell + 4 * self.gap, x + self.cell + 4 * self.gap
        return height + height % 2, width + width % 2, 3

    def corner(self, sample: int, column: int) -> tuple[int, int]:
        """Top left corner, x and y, of one of a sample's six cells."""
        block, row = divmod(sample, self.rows)
        step = self.cell + self.gap
        sides = block * 2 + column // 3
        x = 4 * self.gap + (column + 6 * block) * step + (3 * sides + 6 * block) * self.gap
        return x, self.header + row * step


def contact_sheet(a: SideSamples, b: SideSamples, coverage: float, scale: int = 100) -> Pixels:
    """Draw samples of both sides.

    A prediction lies in its face's trained window, between corner brackets; round it is the
    original. Where the mask excludes a pixel, all three cells of a face are tinted 30 % red: what
    lies there is not part of the swap and with a penalised mask not trained either, so that a
    user need not take the model's leavings there for a fault.

    Parameters
    ----------
    a, b
        Equally many samples of each side.
    coverage
        Share of a face's edge that is trained on, 0..1. The window is centred and has an edge of
        ``int(S * coverage // 2) * 2``.
    scale
        Size of a cell in per cent of S. Faces are resampled, text and brackets drawn at that size.

    Returns
    -------
    NDArray[np.uint8]
        The sheet, ``(height, width, 3)``, BGR; both edges are even.

    Raises
    ------
    ValueError
        The sides have different numbers of samples.
    """
    count, size = a.originals.shape[:2]
    layout = Layout(count, max(1, round(size * scale / 100)))
    sheet = np.full(layout.shape, _BACKGROUND, np.uint8)
    _draw_headings(sheet, layout)
    cells = zip(_side_cells(a, coverage, layout), _side_cells(b, coverage, layout), strict=True)
    for sample, (of_a, of_b) in enumerate(cells):
        for column, face in enumerate(of_a + of_b):
            x, y = layout.corner(sample, column)
            sheet[y : y + layout.cell, x : x + layout.cell] = face
    return sheet


def window_bounds(size: int, coverage: float, cell: int) -> tuple[int, int]:
    """First and last + 1 pixel, in a cell, of the window trained on in faces of edge ``size``."""
    edge = int(size * coverage // 2) * 2
    start = (size - edge) // 2
    return round(start * cell / size), round((start + edge) * cell / size)


def _side_cells(side: SideSamples, coverage: float, layout: Layout) -> list[list[Pixels]]:
    start, end = window_bounds(side.originals.shape[1], coverage, layout.cell)
    masks = [None] * len(side.originals) if side.masks is None else side.masks
    rows = zip(side.originals, side.same, side.swapped, masks, strict=True)
    return [
        [
            _finished(face, mask, start, end)
            for face in _row(_resized(original, layout.cell), (same, swapped), start, end)
        ]
        for original, same, swapped, mask in rows
    ]


def _row(
    original: Pixels, predictions: tuple[NDArray[np.generic], ...], start: int, end: int
) -> list[Pixels]:
    faces = [original.copy() for _ in range(1 + len(predictions))]
    for face, prediction in zip(faces[1:], predictions, strict=True):
        face[start:end, start:end] = _resized(_as_pixels(prediction), end - start)
    return faces


def _finished(face: Pixels, mask: Pixels | None, start: int, end: int) -> Pixels:
    if mask is not None:
        _tint(face, _resized(mask, len(face)) < _MASK_MIDDLE)
    _draw_brackets(face, start, end)
    return face


def _as_pixels(values: NDArray[np.generic]) -> Pixels:
    if values.dtype == np.uint8:
        return np.asarray(values, np.uint8)
    finite = np.nan_to_num(np.asarray(values, np.float32))
    return np.asarray(np.rint(finite.clip(0, 1) * 255), np.uint8)


def _resized(image: Pixels, edge: int) -> Pixels:
    if image.shape[0] == edge:
        return image
    how = cv2.INTER_AREA if edge < image.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (edge, edge), interpolation=how), np.uint8)


def _tint(face: Pixels, where: NDArray[np.bool_]) -> None:
    face[where] = np.rint(face[where] * np.float32(1 - _TINT) + _RED * np.float32(_TINT))


def _draw_brackets(face: Pixels, start: int, end: int) -> None:
    """Draw corners round the window, outside it wherever the cell has room."""
    cell = len(face)
    thick, arm = max(1, cell // 128), max(3, (end - start) // 8)
    low, high = max(0, start - thick), min(cell, end + thick)
    for y in (slice(low, low + thick), slice(high - thick, high)):
        face[y, low : low + arm] = face[y, high - arm : high] = _BRACKET
    for x in (slice(low, low + thick), slice(high - thick, high)):
        face[low : low + arm, x] = face[high - arm : high, x] = _BRACKET


def _draw_headings(sheet: Pixels, layout: Layout) -> None:
    headings = layout.headings
    widest = max(_text_width(line, 1) for lines in headings for line in lines)
    font_scale = min(layout.font_scale, layout.cell / widest)
    for block in range(layout.blocks):
        for column, lines in enumerate(headings):
            x, _ = layout.corner(block * layout.rows, column)
            _draw_lines(sheet, lines, (x + layout.cell // 2, layout.header // 2), font_scale)


def _wrapped(label: str) -> list[str]:
    first, arrow, second = label.partition("> ")
    return [first + ">", second] if arrow else [label]


def _text_width(text: str, font_scale: float) -> float:
    return float(cv2.getTextSize(text, _FONT, 1.0, 1)[0][0] * font_scale)


def _draw_lines(
    sheet: Pixels, lines: list[str], middle: tuple[int, int], font_scale: float
) -> None:
    """Write lines centred on a point, x and y."""
    step = _LINE_HEIGHT * font_scale
    base = middle[1] - step * len(lines) / 2 + _BASELINE * font_scale
    for number, line in enumerate(lines):
        x = round(middle[0] - _text_width(line, font_scale) / 2)
        y = round(base + step * number)
        thick = max(1, round(1.5 * font_scale))
        cv2.putText(sheet, line, (x, y), _FONT, font_scale, _INK, thick, cv2.LINE_AA)
