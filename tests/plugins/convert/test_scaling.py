"""The unsharp mask against SciPy's Gaussian."""

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lib.convert.swap import Swap
from plugins.convert.scaling.unsharp import Options, Scaling


def sharpened(face: Any, **options: float) -> Any:
    return Scaling(Options(**options))(face)


@pytest.mark.parametrize(("amount", "radius"), [(50, 1.5), (100, 3), (200, 0.8)])
def test_it_adds_what_a_blur_takes_away(swap: Swap, amount: float, radius: float) -> None:
    given = sharpened(swap.face, amount=amount, radius=radius, threshold=0)
    sigma = radius / 100 * len(swap.face)
    blurred = gaussian_filter(swap.face, (sigma, sigma, 0), mode="reflect")
    expected = np.clip(swap.face + amount / 100 * (swap.face - blurred), 0, 1)
    np.testing.assert_allclose(given, expected, atol=0.002)


def test_small_differences_stay(swap: Swap) -> None:
    np.testing.assert_array_equal(sharpened(swap.face, threshold=255), swap.face)
    some = (sharpened(swap.face, threshold=5) != swap.face).any(axis=-1).mean()
    more = (sharpened(swap.face, threshold=1) != swap.face).any(axis=-1).mean()
    assert 0 < some < more < 1


def test_no_amount_is_no_change(swap: Swap) -> None:
    np.testing.assert_array_equal(sharpened(swap.face, amount=0, threshold=0), swap.face)
