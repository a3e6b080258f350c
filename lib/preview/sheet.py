"""Draws the contact sheet that shows how far a model has come.

A row is one sample of either side: the original, what the side's own decoder makes of it, and what
the other side's decoder makes of it; A on the left, B on the right.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lib.align.geometry import window_edge

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
_SMALLEST_FONT = 12  # pixels; smaller letters run together
_BACKGROUND = 40
_INK = (235, 235, 235)
_BRACKET = (255, 255, 255)
_RED = np.array((0, 0, 255), np.float32)
_TINT = 0.3


@dataclass(frozen=True, eq=False)
class SideSamples:
    """Sample faces of one side and what the model makes of them.

    Attributes
    ----------
    originals
        Faces at full coverage, ``(K, S, S, 3)``, BGR.
    same
        Predictions of the side's own decoder for the trained window, ``(K, p, p, 3)``, BGR.
    swapped
        Predictions of the other side's decoder, as `same`; the edge may differ.
    masks
        What counts as face, ``(K, S, S)``, 0..255.
    """

    originals: Pixels
    same: Pixels
    swapped: Pixels
    masks: Pixels


@dataclass(frozen=True)
class Layout:
    """Where things lie on a sheet, in pixels.

    More than seven samples stand in two blocks side by side: fourteen samples then have the shape
    of a 16:9 screen, and with cells of 94 to 128 pixels they fit a 1080p one.

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
        """Space between cells; three times as much lies between the sides and round the sheet."""
        return max(2, self.cell // 40)

    @cached_property
    def font(self) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        """What headings are written in."""
        return ImageFont.load_default(self._font_size)

    @property
    def _font_size(self) -> int:
        return max(_SMALLEST_FONT, self.cell // 10)

    def _width(self, headings: tuple[str, ...]) -> int:
        """Width of the widest line, with half a letter of space."""
        lines = [line for heading in headings for line in heading.split("\n")]
        return round(max(map(self.font.getlength, lines))) + self._font_size // 2

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """Heading of each column: all on one line where the longest fits its cell, else on two."""
        if self._width(LABELS) <= self.cell:
            return LABELS
        return tuple("\n".join(label.rsplit(" ", 1)) for label in LABELS)

    @cached_property
    def column(self) -> int:
        """Width of a column: that of a cell, or of the headings where these are wider."""
        return max(self.cell, self._width(self.headings))

    @property
    def header(self) -> int:
        """Height of the headings."""
        lines = self.headings[0].count("\n") + 1
        return round((1.2 * lines + 0.9) * self._font_size)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the sheet; even, as video encoders want a time-lapse to be."""
        height = self.header + self.rows * (self.cell + self.gap) + 2 * self.gap
        width = self._left(self.blocks - 1, len(LABELS) - 1) + self.column + 3 * self.gap
        return height + height % 2, width + width % 2, 3

    def _left(self, block: int, column: int) -> int:
        sides = block * 2 + column // 3
        columns = block * len(LABELS) + column
        return columns * (self.column + self.gap) + (3 + 2 * sides + 4 * block) * self.gap

    def corner(self, sample: int, column: int) -> tuple[int, int]:
        """Top left corner, x and y, of one of a sample's six cells."""
        block, row = divmod(sample, self.rows)
        x = self._left(block, column) + (self.column - self.cell) // 2
        return x, self.header + row * (self.cell + self.gap)


@dataclass(frozen=True)
class Window:
    """Where the trained window lies in a face drawn as a cell.

    Attributes
    ----------
    size
        Edge of the face in pixels of its own.
    coverage
        Share of the edge that is trained on, 0..1.
    cell
        Edge of the cell.
    """

    size: int
    coverage: float
    cell: int

    @property
    def _edge(self) -> int:
        return window_edge(self.size, self.coverage)

    @property
    def _start(self) -> int:
        return (self.size - self._edge) // 2

    @property
    def bounds(self) -> tuple[int, int]:
        """First and last + 1 of the cell's pixels that lie wholly in the window."""
        end = self._start + self._edge
        return -(-self._start * self.cell // self.size), end * self.cell // self.size

    def part(self, pixels: int) -> tuple[float, float]:
        """What `bounds` takes of a prediction with an edge of so many pixels: from where to where.

        The window's own edges fall between pixels of most cells. A prediction that was stretched
        to the nearest pixels would lie up to half of one beside the face that it continues.
        """
        low, high = (
            (bound * self.size / self.cell - self._start) * pixels / self._edge
            for bound in self.bounds
        )
        return max(0.0, low), min(float(pixels), high)


def contact_sheet(a: SideSamples, b: SideSamples, coverage: float, cell: int) -> Pixels:
    """Draw samples of both sides.

    A prediction lies in its face's trained window, between corner brackets; round it is the
    original. Where the mask excludes a pixel, all three cells of a face are tinted 30 % red, and
    less so where it excludes it in part: what lies there is not part of the swap and with a
    penalised mask not trained either, so that a user need not take the model's leavings there for
    a fault.

    Parameters
    ----------
    a, b
        Equally many samples of each side; the sides may differ in size.
    coverage
        Share of a face's edge that is trained on, 0..1. The window is centred and has an edge of
        `lib.align.geometry.window_edge`.
    cell
        Edge at which faces are shown, in pixels, at least 8. Faces, masks and predictions are
        resampled to it once, cubically, and averaged where they become smaller; text and brackets
        are drawn at that size.

    Returns
    -------
    NDArray[np.uint8]
        The sheet, ``(height, width, 3)``, BGR; both edges are even.

    Raises
    ------
    ValueError
        The sides have different numbers of samples.
    """
    layout = Layout(len(a.originals), cell)
    sheet = np.full(layout.shape, _BACKGROUND, np.uint8)
    _draw_headings(sheet[: layout.header], layout)
    rows = zip(_rows(a, coverage, cell), _rows(b, coverage, cell), strict=True)
    for sample, (of_a, of_b) in enumerate(rows):
        for column, face in enumerate(of_a + of_b):
            x, y = layout.corner(sample, column)
            sheet[y : y + cell, x : x + cell] = face
    return sheet


def _rows(side: SideSamples, coverage: float, cell: int) -> Iterator[list[Pixels]]:
    """The three cells of each sample."""
    window = Window(side.originals.shape[1], coverage, cell)
    samples = zip(side.originals, side.same, side.swapped, side.masks, strict=True)
    for original, same, swapped, mask in samples:
        face, scaled = _resampled(original, cell), _resampled(mask, cell)
        with_predictions = [with_prediction(face, shown, window) for shown in (same, swapped)]
        cells = [_tinted(picture, scaled) for picture in (face, *with_predictions)]
        for drawn in cells:
            _draw_brackets(drawn, *window.bounds)
        yield cells


def with_prediction(face: Pixels, prediction: Pixels, window: Window) -> Pixels:
    """Put a prediction in its place in a whole face, which has the edge of the window's cell."""
    low, high = window.bounds
    part = window.part(len(prediction))
    result = face.copy()
    result[low:high, low:high] = _resampled(prediction, high - low, part)
    return result


def _resampled(image: Pixels, edge: int, part: tuple[float, float] | None = None) -> Pixels:
    """A square picture, or the square part of it between two coordinates, with another edge."""
    low, high = part or (0, len(image))
    picture = Image.fromarray(image)
    box = (low, low, high, high)
    return np.array(picture.resize((edge, edge), Image.Resampling.BICUBIC, box))


def _tinted(face: Pixels, mask: Pixels) -> Pixels:
    share = np.float32(_TINT / 255) * (255 - mask[..., None])
    return np.asarray(np.rint(face * (1 - share) + _RED * share), np.uint8)


def _draw_brackets(face: Pixels, start: int, end: int) -> None:
    """Draw corners round the window, outside it wherever the cell has room."""
    cell = len(face)
    thick, arm = max(1, cell // 128), max(3, (end - start) // 8)
    low, high = max(0, start - thick), min(cell, end + thick)
    for y in (slice(low, low + thick), slice(high - thick, high)):
        face[y, low : low + arm] = face[y, high - arm : high] = _BRACKET
    for x in (slice(low, low + thick), slice(high - thick, high)):
        face[low : low + arm, x] = face[high - arm : high, x] = _BRACKET


def _draw_headings(band: Pixels, layout: Layout) -> None:
    picture = Image.fromarray(band)
    draw = ImageDraw.Draw(picture)
    for block in range(layout.blocks):
        for column, heading in enumerate(layout.headings):
            x, _ = layout.corner(block * layout.rows, column)
            middle = (x + layout.cell // 2, layout.header // 2)
            draw.multiline_text(middle, heading, _INK, layout.font, anchor="mm", align="center")
    band[:] = np.asarray(picture)
