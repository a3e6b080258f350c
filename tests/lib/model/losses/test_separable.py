"""Matrices that filter lines, against SciPy's filters."""

import numpy as np
import pytest
from scipy import ndimage

from lib.model.losses.separable import filter_matrix, gaussian

KERNEL = [0.1, 0.2, 0.5, -0.3, 0.7]


@pytest.mark.parametrize("size", [5, 6, 16])
def test_filters_are_scipys(size: int) -> None:
    line = np.random.default_rng(0).random(size)
    for border, theirs in (("edge", "nearest"), ("reflect", "mirror")):
        expected = ndimage.correlate1d(line, KERNEL, mode=theirs)
        np.testing.assert_allclose(filter_matrix(KERNEL, size, border) @ line, expected)
    inside = ndimage.correlate1d(line, KERNEL)[2:-2]
    np.testing.assert_allclose(filter_matrix(KERNEL, size) @ line, inside)


def test_a_filter_wider_than_the_line_goes_on_with_its_ends() -> None:
    line = np.random.default_rng(0).random(4)
    kernel = np.arange(21) / 210
    expected = ndimage.correlate1d(line, kernel, mode="nearest")
    np.testing.assert_allclose(filter_matrix(kernel, 4, "edge") @ line, expected)


def test_gaussian_is_scipys() -> None:
    impulse = np.eye(1, 21, 10)[0]
    expected = ndimage.gaussian_filter1d(impulse, 1.7, radius=6)[4:-4]
    np.testing.assert_allclose(gaussian(1.7, 6), expected)
