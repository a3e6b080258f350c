from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lib.preview.sheet import LABELS, Layout, SideSamples, contact_sheet, window_bounds

Pixels = NDArray[np.uint8]
INK = 120  # brighter than the background, darker than the headings' strokes


def noise(*shape: int, seed: int = 0) -> Pixels:
    """Random pixels, none of them white as brackets are."""
    return np.random.default_rng(seed).integers(0, 250, shape, np.uint8)


def make_side(count: int, size: int, edge: int, seed: int = 0) -> SideSamples:
    face, prediction = (count, size, size, 3), (count, edge, edge, 3)
    return SideSamples(
        noise(*face, seed=seed),
        noise(*prediction, seed=seed + 1),
        noise(*prediction, seed=seed + 2),
        None,
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
        SideSamples(
            flat(kinds[o], size), flat(kinds[same], 16), flat(kinds[swapped], 128), masks=None
        )
        for o, same, swapped in ("uvw", "xyz")
    ]
    sheet = contact_sheet(*sides, coverage=0.6875)
    gap = max(1, size // 64)
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
    sheet, layout = contact_sheet(a, b, coverage), Layout(2, size)
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
    start, end = window_bounds(size, coverage, size)
    brackets = bracket_mask(size, start, end, max(1, size // 128))
    assert brackets.any()
    assert not brackets[start:end, start:end].any()


def test_window_of_a_scaled_cell_covers_the_same_part_of_the_face() -> None:
    for size, coverage, cell in [(94, 0.6875, 128), (94, 0.6875, 47), (256, 0.7, 131)]:
        edge = int(size * coverage // 2) * 2
        start, end = window_bounds(size, coverage, cell)
        assert start / cell == pytest.approx((size - edge) / 2 / size, abs=0.5 / cell)
        assert end / cell == pytest.approx((size + edge) / 2 / size, abs=0.5 / cell)


def test_larger_predictions_are_averaged_and_smaller_ones_interpolated_cubically() -> None:
    size, edge = 96, 66
    a, b = make_side(1, size, 3 * edge), make_side(1, size, edge // 2, seed=3)
    sheet, layout = contact_sheet(a, b, 0.6875), Layout(1, size)
    blocks = a.same[0].reshape(edge, 3, edge, 3, 3).astype(float).mean(axis=(1, 3))
    small = torch.from_numpy(b.same[0].astype(np.float32)).permute(2, 0, 1)[None]
    cubic = torch.nn.functional.interpolate(small, scale_factor=2, mode="bicubic")[0]
    # The outermost pixels depend on how the picture is continued beyond its edge.
    for column, expected in ((1, blocks), (4, cubic.permute(1, 2, 0).clamp(0, 255).numpy())):
        shown = cell_of(sheet, layout, 0, column)[15:-15, 15:-15].astype(float)
        assert np.abs(shown - expected)[3:-3, 3:-3].max() <= 1


def test_floating_point_predictions_count_from_0_to_1() -> None:
    a, b = make_side(2, 96, 66), make_side(2, 96, 66, seed=3)
    same = a.same.astype(np.float32) / 255
    floating = SideSamples(a.originals, same, a.swapped.astype(np.float64) / 255, None)
    np.testing.assert_array_equal(contact_sheet(floating, b, 0.6875), contact_sheet(a, b, 0.6875))


def test_predictions_out_of_range_are_clipped_and_nan_is_black() -> None:
    a = make_side(3, 96, 66)
    same = np.zeros((3, 66, 66, 3), np.float32)
    same[0], same[1], same[2] = -0.5, 1.5, np.nan
    sheet = contact_sheet(SideSamples(a.originals, same, a.swapped, None), a, 0.6875)
    for sample, value in enumerate((0, 255, 0)):
        assert (cell_of(sheet, Layout(3, 96), sample, 1)[20:70, 20:70] == value).all()


def test_tint_is_thirty_per_cent_of_red_where_the_mask_excludes() -> None:
    size, edge = 96, 66
    plain, b = make_side(1, size, edge), make_side(1, size, edge, seed=3)
    masks = np.arange(size * size).reshape(1, size, size).astype(np.uint8)  # all of 0..255
    masked = SideSamples(plain.originals, plain.same, plain.swapped, masks)
    before, after = (contact_sheet(side, b, 0.6875) for side in (plain, masked))
    layout = Layout(1, size)
    brackets = bracket_mask(size, 15, 81, 1)
    outside = (masks[0] < 128) & ~brackets
    for column in range(3):
        was = cell_of(before, layout, 0, column).astype(int)
        now = cell_of(after, layout, 0, column).astype(int)
        tinted = 0.7 * was + 0.3 * np.array((0, 0, 255))
        assert np.abs(now - tinted)[outside].max() <= 0.5 + 1e-4
        np.testing.assert_array_equal(now[~outside], was[~outside])
    for column in range(3, 6):
        np.testing.assert_array_equal(
            cell_of(after, layout, 0, column), cell_of(before, layout, 0, column)
        )


@pytest.mark.parametrize(("scale", "cell", "thick"), [(50, 64, 1), (100, 128, 1), (200, 256, 2)])
def test_scaled_sheets_are_drawn_at_their_size(scale: int, cell: int, thick: int) -> None:
    dark = SideSamples(
        np.zeros((1, 128, 128, 3), np.uint8), *[np.zeros((1, 64, 64, 3), np.uint8)] * 2, None
    )
    sheet = contact_sheet(dark, dark, 0.6875, scale)
    start, end = window_bounds(128, 0.6875, cell)
    expected = bracket_mask(cell, start, end, thick)
    for column in range(6):
        face = cell_of(sheet, Layout(1, cell), 0, column)
        assert face.shape == (cell, cell, 3)
        # Only black and white: nothing that was drawn has been resampled.
        np.testing.assert_array_equal(face, np.repeat(expected[..., None] * 255, 3, axis=-1))


def test_scaled_masks_cover_the_scaled_faces() -> None:
    a, b = make_side(1, 64, 44), make_side(1, 64, 44, seed=3)
    masks = np.zeros((1, 64, 64), np.uint8)
    masks[:, :, 32:] = 255
    dark = np.zeros_like(a.originals)
    sheet = contact_sheet(SideSamples(dark, a.same, a.swapped, masks), b, 0.6875, 200)
    face = cell_of(sheet, Layout(1, 128), 0, 0)
    assert (face[5, :63] == (0, 0, 76)).all()
    assert (face[5, 65:] == 0).all()


def headings(sheet: Pixels, layout: Layout) -> Iterator[NDArray[np.bool_]]:
    """Pixels of ink above each column of each block."""
    for block in range(layout.blocks):
        for column in range(6):
            x, y = layout.corner(block * layout.rows, column)
            yield sheet[:y, x : x + layout.cell].max(axis=-1) > INK


@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize("cell", [47, 94, 96, 128, 174, 192, 256, 400, 512])
def test_every_column_has_a_heading_that_keeps_to_it(cell: int, count: int) -> None:
    side = SideSamples(
        np.zeros((count, cell, cell, 3), np.uint8),
        *[np.zeros((count, 8, 8, 3), np.uint8)] * 2,
        None,
    )
    sheet, layout = contact_sheet(side, side, 0.6875), Layout(count, cell)
    inks = list(headings(sheet, layout))
    assert len(inks) == 6 * layout.blocks
    total = np.count_nonzero(sheet[: layout.header].max(axis=-1) > INK)
    assert total == sum(np.count_nonzero(ink) for ink in inks)
    for ink in inks:
        rows, columns = np.nonzero(ink)
        assert rows.min() >= 1
        assert rows.max() < layout.header - 1
        assert columns.max() - columns.min() > cell / 6
        middle = (columns.max() + columns.min()) / 2
        assert middle == pytest.approx(cell / 2, abs=max(3, cell / 30))
    assert len({ink.tobytes() for ink in inks}) == len(LABELS)


@pytest.mark.parametrize("cell", [94, 96, 128, 192])
def test_headings_are_tall_enough_to_read(cell: int) -> None:
    side = make_side(1, cell, 64)
    sheet = contact_sheet(side, side, 0.6875)
    original = next(headings(sheet, Layout(1, cell)))
    rows = np.nonzero(original.any(axis=1))[0]
    assert rows.max() - rows.min() + 1 >= 9


@pytest.mark.parametrize("count", range(1, 17))
def test_samples_never_overlap(count: int) -> None:
    layout = Layout(count, 20)
    height, width, _ = layout.shape
    used = np.zeros((height, width), int)
    for sample in range(count):
        for column in range(6):
            x, y = layout.corner(sample, column)
            used[y : y + 20, x : x + 20] += 1
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
        contact_sheet(make_side(2, 64, 44), make_side(1, 64, 44), 0.6875)


def test_drawing_leaves_the_samples_alone() -> None:
    side = make_side(1, 64, 44)
    masked = SideSamples(
        side.originals.copy(), side.same.copy(), side.swapped, np.zeros((1, 64, 64), np.uint8)
    )
    contact_sheet(masked, masked, 0.6875)
    np.testing.assert_array_equal(masked.originals, side.originals)
    np.testing.assert_array_equal(masked.same, side.same)


def test_a_perfect_prediction_of_a_real_face_shows_no_seam(grid: Path) -> None:
    files = sorted(grid.glob("bbaf2n/*.png"))[:3]
    faces = np.stack([cv2.imread(str(file)) for file in files])
    window = faces[:, 40:216, 40:216]
    side = SideSamples(faces, window, window[:, ::-1], None)
    sheet, layout = contact_sheet(side, side, 0.6875), Layout(3, 256)
    for sample in range(3):
        original = cell_of(sheet, layout, sample, 0)
        np.testing.assert_array_equal(cell_of(sheet, layout, sample, 1), original)
        swapped = cell_of(sheet, layout, sample, 2)
        np.testing.assert_array_equal(swapped[40:216, 40:216], original[40:216, 40:216][::-1])
