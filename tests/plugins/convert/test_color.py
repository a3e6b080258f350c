"""Colours against scikit-image and plain formulas."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from skimage.color import rgb2lab
from skimage.exposure import match_histograms

from lib.convert.swap import Swap
from plugins.convert.color import (
    average,
    manual_balance,
    match_hist,
    reinhard,
    seamless_clone,
)


@pytest.fixture
def inside(swap: Swap) -> Any:
    """A hard mask, and the swap drawn in so far that nothing has to be cut off."""
    mask = np.zeros(swap.face.shape[:2], np.float32)
    mask[12:52, 16:48] = 1
    return mask


@pytest.fixture
def pale(swap: Swap) -> Swap:
    """The swap with colours from which no adjustment leads beyond black and white."""
    return replace(swap, face=0.3 + 0.4 * swap.face, target=0.35 + 0.3 * swap.target)


def lab(image: Any) -> Any:
    return rgb2lab(image[..., ::-1].astype(np.float64))


def test_average_gives_the_means_of_the_target(pale: Swap, inside: Any) -> None:
    given = average.Color()(pale, inside)[inside > 0]
    np.testing.assert_allclose(given.mean(axis=0), pale.target[inside > 0].mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(given.std(axis=0), pale.face[inside > 0].std(axis=0), atol=1e-4)


def test_reinhard_gives_the_means_and_deviations_of_the_target(pale: Swap, inside: Any) -> None:
    given, wanted = (
        lab(image)[inside > 0] for image in (reinhard.Color()(pale, inside), pale.target)
    )
    np.testing.assert_allclose(given.mean(axis=0), wanted.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(given.std(axis=0), wanted.std(axis=0), atol=0.1)


def test_half_a_mask_counts_half(pale: Swap, inside: Any) -> None:
    inside[12:30] = 0.25
    given = average.Color()(pale, inside)
    for channel in range(3):
        assert np.average(given[..., channel], weights=inside) == pytest.approx(
            np.average(pale.target[..., channel], weights=inside), abs=1e-4
        )


def test_match_hist_is_that_of_scikit_image(swap: Swap, inside: Any) -> None:
    given = match_hist.Color()(swap, inside)[inside > 0]
    face, target = (np.rint(image[inside > 0] * 255) for image in (swap.face, swap.target))
    expected = match_histograms(face, target, channel_axis=-1)
    np.testing.assert_allclose(given * 255, expected, atol=1e-3)


def test_manual_balance_is_gain_then_contrast_then_brightness(pale: Swap, inside: Any) -> None:
    options = manual_balance.Options(brightness=-10, contrast=20, red=110, green=95, blue=80)
    given = manual_balance.Color(options)(pale, inside)
    gained = pale.face * np.array([0.8, 0.95, 1.1])
    expected = np.clip((gained - 0.5) * 1.2 + 0.5 - 0.1, 0, 1)
    np.testing.assert_allclose(given, expected, atol=1e-6)


def test_the_clone_solves_poissons_equation(swap: Swap, inside: Any) -> None:
    """Inside, the second derivatives are the face's; outside, the colours are the target's."""
    given = seamless_clone.Color()(swap, inside) * 255
    assert np.abs(given - swap.target * 255)[inside == 0].max() <= 1

    def laplacian(image: Any) -> Any:
        shifts = ((1, 0), (-1, 0), (1, 1), (-1, 1))
        return sum(np.roll(image, by, axis) for by, axis in shifts) - 4 * image

    middle = np.s_[16:48, 20:44]
    difference = laplacian(given)[middle] - laplacian(swap.face * 255)[middle]
    # Both are rounded to bytes, of which the Laplacian takes eight.
    assert np.abs(difference).mean() <= 1.5
    assert np.abs(given - swap.face * 255)[middle].mean() > 3
