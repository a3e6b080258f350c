"""Curves as a reader sees them: where the ink is."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lib.errors import FaceswapError
from lib.preview.curve import Curve, write_curves

BLUE = (0x1F, 0x77, 0xB4)
LABELS = {"title": "Score", "x_label": "iterations", "y_label": "PSNR (dB)"}


def pixels(path: Path) -> NDArray[np.int_]:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB")).astype(int)


def ink(path: Path) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """Columns and middle rows of the first curve, right of the legend."""
    blue = (np.abs(pixels(path) - BLUE).sum(axis=-1) < 60)[:, 400:1050]
    columns = np.flatnonzero(blue.any(axis=0))
    return columns, np.array([np.flatnonzero(blue[:, c]).mean() for c in columns])


def assert_straight(path: Path) -> None:
    columns, rows = ink(path)
    assert len(columns) > 500
    slope, offset = np.polyfit(columns, rows, 1)
    assert slope < -0.3
    np.testing.assert_allclose(rows, slope * columns + offset, atol=2)


def test_the_axis_is_straight_or_logarithmic(tmp_path: Path) -> None:
    x = np.geomspace(1e-7, 1e-1, 200)
    write_curves(tmp_path / "line.png", [Curve("a", x, x)], **LABELS)
    assert_straight(tmp_path / "line.png")
    write_curves(tmp_path / "log.png", [Curve("a", x, np.log(x))], log_x=True, **LABELS)
    assert_straight(tmp_path / "log.png")
    assert pixels(tmp_path / "log.png").shape == (600, 1080, 3)


def test_a_faint_curve_does_not_move_the_others(tmp_path: Path) -> None:
    x = list(range(100))
    line, wild = Curve("a", x, x), Curve("raw", x, [100.0 * k for k in x], faint=True)
    write_curves(tmp_path / "alone.png", [line, Curve("raw", x, x, faint=True)], **LABELS)
    write_curves(tmp_path / "both.png", [wild, line], **LABELS)
    (columns, rows), (expected, heights) = ink(tmp_path / "both.png"), ink(tmp_path / "alone.png")
    # Further right stands the legend.
    np.testing.assert_array_equal(columns[:400], expected[:400])
    np.testing.assert_allclose(rows[:400], heights[:400], atol=1)
    assert (pixels(tmp_path / "both.png") != pixels(tmp_path / "alone.png")).any()


def test_what_is_not_finite_leaves_a_gap(tmp_path: Path) -> None:
    x = np.arange(100.0)
    y = np.where((x > 60) & (x < 80), np.nan, x)
    write_curves(tmp_path / "gap.png", [Curve("a", x, y)], **LABELS)
    columns, _ = ink(tmp_path / "gap.png")
    assert np.diff(columns).max() > 100


def test_one_point_is_seen(tmp_path: Path) -> None:
    write_curves(tmp_path / "point.png", [Curve("a", [1000], [30])], **LABELS)
    middle = pixels(tmp_path / "point.png")[200:400, 460:660]
    assert (np.abs(middle - BLUE).sum(axis=-1) < 60).any()


def test_a_mark_stands_at_its_value(tmp_path: Path) -> None:
    marked = {"log_x": True, "mark": (1e-2, "here"), **LABELS}
    write_curves(tmp_path / "mark.png", [Curve("a", [1e-4, 1], [0, 1])], **marked)
    black = (pixels(tmp_path / "mark.png").sum(axis=-1) < 150).sum(axis=0)
    # The frame's sides are black from top to bottom; the mark is dashed, and half-way.
    left, *_, right = np.flatnonzero(black > 450)
    dashed = left + 10 + np.argmax(black[left + 10 : right - 10])
    assert black[dashed] > 200
    assert abs(dashed - (left + right) / 2) <= 1.5


def test_a_file_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FaceswapError, match="can't write"):
        write_curves(tmp_path / "file" / "a.png", [Curve("a", [1, 2], [1, 2])], **LABELS)


def test_matplotlib_is_imported_for_a_picture_alone() -> None:
    code = "import sys, lib.training.finder; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
