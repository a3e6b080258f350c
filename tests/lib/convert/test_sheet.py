import numpy as np
import pytest

from lib.convert.sheet import before_and_after


def pair(height: int = 30, width: int = 40, value: int = 200) -> tuple:
    before = np.zeros((height, width, 3), np.uint8)
    return "clip_000001.png", before, np.full_like(before, value)


@pytest.mark.parametrize(
    ("count", "rows", "columns"), [(1, 1, 1), (3, 1, 3), (4, 2, 3), (12, 4, 3)]
)
def test_pairs_stand_three_in_a_row(count: int, rows: int, columns: int) -> None:
    sheet = before_and_after([pair()] * count)
    assert sheet.shape == (rows * (30 + 24), columns * (80 + 8), 3)


def test_before_is_at_the_left_and_after_at_the_right() -> None:
    sheet = before_and_after([pair()])
    assert not sheet[24:, :40].any()
    assert (sheet[24:, 40:80] == 200).all()


def test_large_frames_are_made_smaller() -> None:
    assert before_and_after([pair(1080, 1920)]).shape == (225 + 24, 808, 3)


def test_names_that_are_no_text_stand_there_with_escapes() -> None:
    assert before_and_after([("clip\udcff.png", *pair()[1:])]).shape == (54, 88, 3)


def test_frames_of_other_sizes_fill_the_same_cells() -> None:
    assert before_and_after([pair(), pair(60, 20)]).shape == (54, 176, 3)
