"""The contact sheet: where things lie, how they are resampled, and its look as a whole."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lib.preview.sheet import LABELS, Layout, SideSamples, Window, contact_sheet

Pixels = NDArray[np.uint8]
INK = 120  # brighter than the background, darker than the headings' strokes


def noise(*shape: int, seed: int = 0) -> Pixels:
    """Random pixels, none of them white as brackets are."""
    return np.random.default_rng(seed).integers(0, 250, shape, np.uint8)


def side_of(originals: Pixels, same: Pixels, swapped: Pixels) -> SideSamples:
    """Samples whose masks leave nothing out."""
    return SideSamples(originals, same, swapped, np.full(originals.shape[:3], 255, np.uint8))


def dark_side(count: int, size: int) -> SideSamples:
    return side_of(*[np.zeros((count, size, size, 3), np.uint8)] * 3)


def make_side(count: int, size: int, edge: int, seed: int = 0) -> SideSamples:
    face, prediction = (count, size, size, 3), (count, edge, edge, 3)
    return side_of(
        noise(*face, seed=seed),
        noise(*prediction, seed=seed + 1),
        noise(*prediction, seed=seed + 2),
    )


def cell_of(sheet: Pixels, layout: Layout, sample: int, column: int) -> Pixels:
    x, y = layout.corner(sample, column)
    return sheet[y : y + layout.cell, x : x + layout.cell]


def bracket_mask(cell: int, start: int, end: int, thick: int) -> NDArray[np.bool_]:
    """Outline round the window, without the middle of each edge."""
    low, high, arm = max(0, start - thick), min(cell, end + thick), max(3, (end - start) // 8)
    outline = np.zeros((cell, cell), bool)
    outline[low:high, low:high] = True
    outline[low + thick : high - thick, low + thick : high - thick] = False
    outline[low + arm : high - arm] = False
    outline[:, low + arm : high - arm] = False
    return outline


def box_of(sheet: Pixels, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of all pixels of a colour, the ends included."""
    ys, xs = np.nonzero((sheet == colour).all(axis=-1))
    return int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())


def flat(colours: list[tuple[int, int, int]], edge: int) -> Pixels:
    return np.broadcast_to(
        np.array(colours, np.uint8)[:, None, None], (len(colours), edge, edge, 3)
    ).copy()


def test_cells_come_in_order_with_predictions_in_the_window() -> None:
    size, edge, count = 96, 66, 2
    kinds = {name: [(10 + s, 20 * k, 200) for s in range(count)] for k, name in enumerate("uvwxyz")}
    sides = [
        side_of(flat(kinds[o], size), flat(kinds[same], 16), flat(kinds[swapped], 128))
        for o, same, swapped in ("uvw", "xyz")
    ]
    sheet = contact_sheet(*sides, coverage=0.6875, cell=size)
    gap = max(2, size // 40)
    for sample in range(count):
        row = {name: box_of(sheet, colours[sample]) for name, colours in kinds.items()}
        for original, same, swapped in ("uvw", "xyz"):
            left, top, right, bottom = row[original]
            # The original's colour reaches from its own cell through both cells of predictions.
            assert (right - left + 1, bottom - top + 1) == (3 * size + 2 * gap, size)
            for place, name in ((1, same), (2, swapped)):
                x = left + place * (size + gap) + (size - edge) // 2
                y = top + (size - edge) // 2
                assert row[name] == (x, y, x + edge - 1, y + edge - 1)
        assert row["u"][2] < row["x"][0]
    assert box_of(sheet, kinds["u"][0])[3] < box_of(sheet, kinds["u"][1])[1]


@pytest.mark.parametrize("coverage", [0.625, 0.6875, 0.875, 1.0])
@pytest.mark.parametrize("size", [93, 96, 256])
def test_unscaled_cells_hold_the_very_pixels(size: int, coverage: float) -> None:
    edge = int(size * coverage // 2) * 2
    start = (size - edge) // 2
    a, b = make_side(2, size, edge), make_side(2, size, edge, seed=3)
    sheet, layout = contact_sheet(a, b, coverage, size), Layout(2, size)
    brackets = bracket_mask(size, start, start + edge, max(1, size // 128))
    for sample in range(2):
        for first, side in ((0, a), (3, b)):
            for column, prediction in enumerate((None, side.same, side.swapped), first):
                expected = side.originals[sample].copy()
                if prediction is not None:
                    expected[start : start + edge, start : start + edge] = prediction[sample]
                expected[brackets] = 255
                np.testing.assert_array_equal(cell_of(sheet, layout, sample, column), expected)


@pytest.mark.parametrize(("size", "coverage"), [(96, 0.6875), (256, 0.875)])
def test_brackets_leave_the_window_free(size: int, coverage: float) -> None:
    start, end = Window(size, coverage, size).bounds
    brackets = bracket_mask(size, start, end, max(1, size // 128))
    assert brackets.any()
    assert not brackets[start:end, start:end].any()


@given(
    half=st.integers(16, 256),
    coverage=st.sampled_from([0.625, 0.6875, 0.7, 1.0]),
    cell=st.integers(8, 2048),
)
def test_the_window_holds_the_pixels_that_lie_wholly_in_it(
    half: int, coverage: float, cell: int
) -> None:
    size = 2 * half
    edge = int(size * coverage // 2) * 2
    first, last = Fraction(size - edge, 2 * size) * cell, Fraction(size + edge, 2 * size) * cell
    window = Window(size, coverage, cell)
    assert window.bounds == (ceil(first), floor(last))
    low, high = window.part(64)
    assert low == pytest.approx(float((ceil(first) - first) / (last - first)) * 64, abs=1e-9)
    assert high == pytest.approx(64 - low, abs=1e-9)
    assert 0 <= low < high <= 64


def waves(start: float, end: float, edge: int) -> Pixels:
    """Four waves across a face: its part between two shares of its edge, in so many pixels."""
    middle = start + (np.arange(edge) + 0.5) * (end - start) / edge
    wave = 127.5 + 100 * np.sin(8 * np.pi * middle)
    plane = (wave[:, None] + wave[None]) / 2
    return np.rint(np.repeat(plane[..., None], 3, axis=-1)).astype(np.uint8)


@pytest.mark.parametrize("cell", [64, 94, 128, 131, 188, 376])
@pytest.mark.parametrize("pixels", [64, 128])
@pytest.mark.parametrize("coverage", [0.625, 0.6875, 1.0])
def test_a_prediction_continues_its_face_at_every_scale(
    coverage: float, pixels: int, cell: int
) -> None:
    edge = int(94 * coverage // 2) * 2
    margin = (94 - edge) / 2 / 94
    prediction = waves(margin, 1 - margin, pixels)[None]
    side = side_of(waves(0, 1, 94)[None], prediction, prediction)
    sheet, layout = contact_sheet(side, side, coverage, cell), Layout(1, cell)
    wanted = waves(0, 1, cell)[..., 0].astype(float)
    low, high = Window(94, coverage, cell).bounds
    brackets = bracket_mask(cell, low, high, max(1, cell // 128))
    # What is one pixel of the face away from an edge depends on how it is continued beyond.
    rim = ceil(2 * cell / 64)
    near = np.ones((cell, cell), bool)
    near[rim:-rim, rim:-rim] = False
    near[max(0, low - 1) : high + 1, max(0, low - 1) : high + 1] = True
    near[low + rim : high - rim, low + rim : high - rim] = False
    for column in (1, 2, 4, 5):
        shown = cell_of(sheet, layout, 0, column)[..., 0].astype(float)
        error = np.abs(shown - wanted)
        assert error[~near & ~brackets].max() < 5
        assert error[~brackets].max() < 14


def test_larger_predictions_are_averaged_and_smaller_ones_interpolated_cubically() -> None:
    size, edge = 96, 66
    a, b = make_side(1, size, 3 * edge), make_side(1, size, edge // 2, seed=3)
    # Nothing near the ends of the range, where overshoots are cut.
    a, b = (replace(side, same=side.same // 3 + 80) for side in (a, b))
    sheet, layout = contact_sheet(a, b, 0.6875, size), Layout(1, size)
    for column, prediction in ((1, a.same), (4, b.same)):
        picture = torch.from_numpy(prediction[0].astype(np.float32)).permute(2, 0, 1)[None]
        cubic = torch.nn.functional.interpolate(
            picture, (edge, edge), mode="bicubic", antialias=True
        )
        expected = cubic[0].permute(1, 2, 0).clamp(0, 255).numpy()
        shown = cell_of(sheet, layout, 0, column)[15:-15, 15:-15].astype(float)
        assert np.abs(shown - expected).max() <= 1.5  # rows and columns are rounded in turn


def test_tint_is_thirty_per_cent_of_red_for_as_much_as_the_mask_excludes() -> None:
    size, edge = 96, 66
    plain, b = make_side(1, size, edge), make_side(1, size, edge, seed=3)
    masks = np.arange(size * size).reshape(1, size, size).astype(np.uint8)  # all of 0..255
    before, after = (
        contact_sheet(side, b, 0.6875, size) for side in (plain, replace(plain, masks=masks))
    )
    layout = Layout(1, size)
    brackets = bracket_mask(size, 15, 81, 1)
    share = 0.3 * (1 - masks[0, ..., None] / 255.0)
    for column in range(3):
        was = cell_of(before, layout, 0, column).astype(int)
        now = cell_of(after, layout, 0, column).astype(int)
        tinted = was * (1 - share) + share * np.array((0, 0, 255))
        assert np.abs(now - tinted)[~brackets].max() <= 0.5 + 1e-4
        np.testing.assert_array_equal(now[brackets], 255)
    for column in range(3, 6):
        np.testing.assert_array_equal(
            cell_of(after, layout, 0, column), cell_of(before, layout, 0, column)
        )


@pytest.mark.parametrize(("cell", "thick"), [(13, 1), (64, 1), (128, 1), (256, 2), (512, 4)])
def test_brackets_are_drawn_at_the_size_of_the_cell(cell: int, thick: int) -> None:
    dark = dark_side(1, 128)
    sheet = contact_sheet(dark, dark, 0.6875, cell)
    expected = bracket_mask(cell, *Window(128, 0.6875, cell).bounds, thick)
    for column in range(6):
        face = cell_of(sheet, Layout(1, cell), 0, column)
        assert face.shape == (cell, cell, 3)
        # Only black and white: nothing that was drawn has been resampled.
        np.testing.assert_array_equal(face, np.repeat(expected[..., None] * 255, 3, axis=-1))


@pytest.mark.parametrize("times", [1, 2, 4, 8])
def test_the_tint_of_a_scaled_mask_covers_the_scaled_face_and_has_a_soft_edge(times: int) -> None:
    masks = np.zeros((1, 64, 64), np.uint8)
    masks[:, :, 32:] = 255
    dark = replace(dark_side(1, 64), masks=masks)
    cell = 64 * times
    red = cell_of(contact_sheet(dark, dark, 0.6875, cell), Layout(1, cell), 0, 0)[2, :, 2]
    red = red.astype(int)
    assert (red[: cell // 2 - 2 * times] == 76).all()
    assert (red[cell // 2 + 2 * times :] == 0).all()
    fall = -np.diff(red)
    assert (fall >= 0).all()
    assert fall.max() <= 76 * min(1, 1.5 / times)


def test_sides_of_different_sizes_are_shown_alike() -> None:
    a, b = (
        side_of(waves(0, 1, size)[None], *[waves(0.25, 0.75, size // 2)[None]] * 2)
        for size in (32, 64)
    )
    sheet, layout = contact_sheet(a, b, 0.5, 128), Layout(1, 128)
    for column in range(3):
        of_a, of_b = (cell_of(sheet, layout, 0, column + side).astype(int) for side in (0, 3))
        assert np.abs(of_a - of_b)[8:-8, 8:-8].mean() < 2


def headings(sheet: Pixels, layout: Layout) -> Iterator[NDArray[np.bool_]]:
    """Pixels of ink above each column of each block."""
    for block in range(layout.blocks):
        for column in range(6):
            x, y = layout.corner(block * layout.rows, column)
            left = x - (layout.column - layout.cell) // 2
            yield sheet[:y, left : left + layout.column].max(axis=-1) > INK


def test_headings_are_those_of_the_command() -> None:
    assert LABELS == (
        "Original (A)",
        "Original > Original",
        "Original > Swap",
        "Swap (B)",
        "Swap > Swap",
        "Swap > Original",
    )
    assert Layout(1, 128).headings == LABELS
    assert tuple(heading.replace("\n", " ") for heading in Layout(1, 64).headings) == LABELS


@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize(
    "cell", [8, 13, 47, 64, 94, 96, 106, 108, 128, 174, 192, 256, 400, 512, 700]
)
def test_every_column_has_a_heading_that_keeps_to_it(cell: int, count: int) -> None:
    side = dark_side(count, 16)
    sheet, layout = contact_sheet(side, side, 0.6875, cell), Layout(count, cell)
    inks = list(headings(sheet, layout))
    assert len(inks) == 6 * layout.blocks
    total = np.count_nonzero(sheet[: layout.header].max(axis=-1) > INK)
    assert total == sum(np.count_nonzero(ink) for ink in inks)
    for ink in inks:
        rows, columns = np.nonzero(ink)
        assert rows.min() >= 2
        assert rows.max() < layout.header - 2
        assert columns.min() >= 2
        assert columns.max() < layout.column - 2
        assert rows.max() - rows.min() >= 9  # capital and descender of the smallest letters
        middle = (columns.max() + columns.min()) / 2
        assert middle == pytest.approx(layout.column / 2, abs=max(2, cell / 40))
    assert len({ink.tobytes() for ink in inks}) == len(LABELS)


@pytest.mark.parametrize("count", range(1, 17))
def test_samples_never_overlap(count: int) -> None:
    layout = Layout(count, 20)
    height, width, _ = layout.shape
    used = np.zeros((height, width), int)
    for sample in range(count):
        for column in range(6):
            x, y = layout.corner(sample, column)
            used[y : y + 20, x : x + 20] += 1
            assert 0 < y < y + 20 < height
            assert 0 < x < x + 20 < width
    assert used.max() == 1
    assert used.sum() == count * 6 * 400
    assert not used[: layout.header].any()
    assert height % 2 == width % 2 == 0


@pytest.mark.parametrize("cell", [94, 128])
def test_fourteen_samples_fit_a_screen(cell: int) -> None:
    height, width, _ = Layout(14, cell).shape
    assert height <= 1080
    assert width <= 1920


def test_a_seventh_sample_stays_in_the_column_and_an_eighth_opens_a_second() -> None:
    assert [Layout(n, 94).rows for n in (1, 7, 8, 9, 14, 16)] == [1, 7, 4, 5, 7, 8]
    layout = Layout(9, 94)
    assert layout.corner(5, 0)[1] == layout.corner(0, 0)[1]
    assert layout.corner(5, 0)[0] > layout.corner(0, 5)[0] + 94


def test_sides_must_match() -> None:
    with pytest.raises(ValueError, match="zip"):
        contact_sheet(make_side(2, 64, 44), make_side(1, 64, 44), 0.6875, 64)


def test_drawing_leaves_the_samples_alone() -> None:
    side = make_side(1, 64, 44)
    masked = SideSamples(
        side.originals.copy(), side.same.copy(), side.swapped, np.zeros((1, 64, 64), np.uint8)
    )
    contact_sheet(masked, masked, 0.6875, 64)
    np.testing.assert_array_equal(masked.originals, side.originals)
    np.testing.assert_array_equal(masked.same, side.same)


def test_a_perfect_prediction_of_a_real_face_shows_no_seam(grid: Path) -> None:
    files = sorted(grid.glob("bbaf2n/*.png"))[:3]
    faces = np.stack([cv2.imread(str(file)) for file in files])
    window = faces[:, 40:216, 40:216]
    side = side_of(faces, window, window[:, ::-1])
    sheet, layout = contact_sheet(side, side, 0.6875, 256), Layout(3, 256)
    for sample in range(3):
        original = cell_of(sheet, layout, sample, 0)
        np.testing.assert_array_equal(cell_of(sheet, layout, sample, 1), original)
        swapped = cell_of(sheet, layout, sample, 2)
        np.testing.assert_array_equal(swapped[40:216, 40:216], original[40:216, 40:216][::-1])
