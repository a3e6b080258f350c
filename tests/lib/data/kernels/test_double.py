import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.data.kernels.double import double

TAPS = np.array([1, -5, 20, 20, -5, 1])


def noise(seed, edge):
    return np.random.default_rng(seed).integers(0, 256, (edge, edge, 4), np.uint8)


def doubled(picture, box):
    """By the code under test; the box alone, without what lies beyond its last pixels."""
    edge = len(picture)
    result = np.zeros((2 * edge, 2 * edge + 2, 4), np.uint8)
    pairs = np.zeros((2, edge + edge % 2 + 6), np.uint32)
    words = result.reshape(2 * edge, -1).view(np.uint64)
    double(picture.view(np.uint32)[..., 0], box, pairs, words)
    top, bottom, left, right = box
    return result[2 * top : 2 * bottom - 1, 2 * left : 2 * right - 1]


def finer(lines):
    """The definition, along the first axis."""
    padded = np.pad(lines.astype(int), [(2, 3), (0, 0), (0, 0)], mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 6, axis=0)
    result = np.repeat(lines, 2, axis=0)
    result[1::2] = np.clip((windows @ TAPS + 16) // 32, 0, 255)
    result[1::2, ..., 3] = (windows[..., 3, 2:4].sum(axis=-1) + 1) // 2  # a mask
    return result[:-1]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), edge=st.integers(1, 21), data=st.data())
def test_between_pixels_lie_what_six_of_them_tell(seed, edge, data):
    picture = noise(seed, edge)
    spans = st.tuples(st.integers(0, edge - 1), st.integers(1, edge)).filter(lambda s: s[0] < s[1])
    (top, bottom), (left, right) = data.draw(spans), data.draw(spans)
    part = picture[top:bottom, left:right]
    along = np.swapaxes(finer(np.swapaxes(part, 0, 1)), 0, 1)
    np.testing.assert_array_equal(doubled(picture, (top, bottom, left, right)), finer(along))


@pytest.mark.parametrize("value", [0, 1, 254, 255])
def test_extremes_are_clipped_and_do_not_run_over(value):
    """Black and white side by side overshoot by more than a byte holds."""
    picture = np.full((16, 16, 4), value, np.uint8)
    picture[4:8, 2:9] = 255 - value
    along = np.swapaxes(finer(np.swapaxes(picture, 0, 1)), 0, 1)
    np.testing.assert_array_equal(doubled(picture, (0, 16, 0, 16)), finer(along))
