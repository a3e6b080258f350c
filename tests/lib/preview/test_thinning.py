"""Curves are thinned by means, and gaps stay gaps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lib.preview.thinning import thinned

NAN = float("nan")


@given(st.integers(1, 700), st.integers(1, 50))
def test_a_thinned_curve_has_the_means_of_its_parts(count: int, most: int) -> None:
    rng = np.random.default_rng(count)
    iterations, values = np.arange(count) * 10.0, rng.normal(size=count)
    xs, ys = thinned(iterations, values, most)
    assert len(xs) <= most
    length = -(-count // most)
    parts = [values[at : at + length] for at in range(0, count, length)]
    np.testing.assert_allclose(ys, [part.mean() for part in parts])
    assert xs[-1] == iterations[-1]


def test_what_is_no_number_is_left_out_of_means() -> None:
    _, ys = thinned(np.arange(6.0), np.array([1, NAN, NAN, NAN, 3, 5]), 3)
    np.testing.assert_array_equal(ys, [1, NAN, 4])
    assert len(thinned(np.empty(0), np.empty(0), 3)[1]) == 0
