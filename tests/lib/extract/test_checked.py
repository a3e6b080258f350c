from typing import Any

import numpy as np
import pytest

from lib.errors import FaceswapError
from lib.extract.checked import checked_align, checked_detect
from lib.extract.face import Detection

GREY = np.full((72, 96, 3), 90, np.uint8)
BOX = (10.0, 20.0, 40.0, 40.0)


def broken(*_: Any) -> Any:
    raise RuntimeError("boom")


@pytest.mark.parametrize(
    ("gives", "told"),
    [
        (None, "None for a list of Detection"),
        ([None], "None for a Detection"),
        ([BOX], "a tuple for a Detection"),
        ([Detection(BOX[:3], 0.9)], r"a Detection with an array \(3,\) for one of \(4,\)"),
        ([Detection(None, 0.9)], r"a Detection with an array \(\) for one of \(4,\)"),
        ([Detection((0, 0, np.nan, 9), 0.9)], "a Detection with numbers that are not finite"),
        ([Detection((0, 0, 1e6, 1e6), 0.9)], "numbers that are not finite, or beyond 384"),
        ([Detection(BOX, "sure")], r"a Detection with a str for numbers of \(\)"),
        ([Detection(BOX, 0.9, np.zeros(4))], r"an array \(4,\) for one of \(2, 2\)"),
    ],
)
def test_what_is_no_detection_is_refused(gives: Any, told: str) -> None:
    with pytest.raises(FaceswapError, match=rf"^detector 'test_checked' \(.*\.py\) gave .*{told}"):
        checked_detect(lambda _: gives)(GREY)


@pytest.mark.parametrize(
    ("gives", "told"),
    [
        (np.zeros((5, 2)), r"an array \(5, 2\) for one of \(68, 2\)"),
        (np.full((68, 2), np.nan), "numbers that are not finite, or beyond 1,000,000"),
        (np.full((68, 2), 2e6), "numbers that are not finite, or beyond 1,000,000"),
        ("landmarks", r"a str for numbers of \(68, 2\)"),
    ],
)
def test_what_are_no_landmarks_is_refused(gives: Any, told: str) -> None:
    with pytest.raises(FaceswapError, match=rf"^aligner 'test_checked' \(.*\.py\) gave {told}$"):
        checked_align(lambda *_: gives)(GREY, Detection(BOX, 0.9))


def test_what_they_raise_is_told() -> None:
    with pytest.raises(FaceswapError, match=r"^detector .* raised RuntimeError: boom$"):
        checked_detect(broken)(GREY)
    with pytest.raises(FaceswapError, match=r"^aligner .* raised RuntimeError: boom$"):
        checked_align(broken)(GREY, Detection(BOX, 0.9))


def test_what_is_right_is_passed_on() -> None:
    eyes = np.array([[20.0, 30], [40, 30]])
    found = (Detection(BOX, 0.9, eyes), Detection(np.array(BOX), np.float32(0.5)))
    first, second = checked_detect(lambda _: found)(GREY)
    assert (first.box, first.score) == (BOX, 0.9)
    np.testing.assert_array_equal(first.eyes, eyes)
    assert (second.box, second.score, second.eyes) == (BOX, 0.5, None)
    points = np.arange(136).reshape(68, 2)
    np.testing.assert_array_equal(checked_align(lambda *_: points)(GREY, first), points)
    assert checked_align(lambda *_: None)(GREY, first) is None
