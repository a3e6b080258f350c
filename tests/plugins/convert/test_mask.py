"""Masks against hulls by scikit-image."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from skimage.draw import polygon2mask

from lib.convert.swap import Swap
from lib.errors import FaceswapError
from plugins.convert.mask import box, components, extended, predicted

PARTS = [
    [*range(0, 9), 17],
    [*range(8, 17), 26],
    [*range(17, 20), 8],
    [*range(24, 27), 8],
    [*range(19, 25), 8],
    [*range(17, 22), 27, *range(31, 36), 8],
    [*range(22, 27), 27, *range(31, 36), 8],
    [*range(27, 31), *range(31, 36)],
]
TIMES = 16


def brows_lifted(p: Any) -> Any:
    """Brows away from the line of the eyes by half as much again."""
    left, right = (p[36] + p[0]) / 2, (p[16] + p[45]) / 2
    line = [(p[36] + left) / 2, *p[36:40], *p[42:46], (right + p[45]) / 2]
    return np.concatenate([p[:17], p[17:27] * 1.5 - np.array(line) / 2, p[27:]])


@pytest.mark.parametrize(
    ("mask", "change"), [(components.Mask(), np.copy), (extended.Mask(), brows_lifted)]
)
def test_a_drawn_mask_is_the_share_of_each_pixel_within_the_hulls(
    mask: Any, change: Any, swap: Swap
) -> None:
    size = len(swap.face)
    fine = np.zeros((size * TIMES, size * TIMES), bool)
    for part in PARTS:
        points = (change(swap.landmarks)[part] + 0.5) * TIMES - 0.5
        hull = points[ConvexHull(points).vertices]
        fine |= polygon2mask(fine.shape, hull[:, ::-1])
    expected = fine.reshape(size, TIMES, size, TIMES).mean(axis=(1, 3))
    drawn = mask(swap)
    # Corners are rounded to a quarter of a pixel, and outlines drawn as thick as that.
    assert np.abs(drawn - expected).max() <= 0.5
    assert np.abs(drawn - expected).mean() < 0.01
    assert drawn.sum() == pytest.approx(expected.sum(), rel=0.02)
    assert 0.02 < ((drawn > 0) & (drawn < 1)).mean() < 0.2


def test_a_mask_follows_its_face_by_parts_of_a_pixel(swap: Swap) -> None:
    at = np.arange(len(swap.face))
    middles = []
    for shift in (0, 0.25, 0.5):
        inner = 32 + 0.6 * (swap.landmarks - swap.landmarks.mean(axis=0)) + np.array([shift, 0])
        columns = components.Mask()(replace(swap, landmarks=inner)).sum(axis=0)
        middles.append(columns @ at / columns.sum())
    np.testing.assert_allclose(np.diff(middles), 0.25, atol=0.08)


def test_box_is_all_and_predicted_what_the_model_says(swap: Swap) -> None:
    assert (box.Mask()(swap) == 1).all()
    assert swap.predicted_mask is not None
    np.testing.assert_array_equal(predicted.Mask()(swap), np.clip(swap.predicted_mask, 0, 1))


def test_a_model_that_learns_none_is_told_of(swap: Swap) -> None:
    with pytest.raises(FaceswapError, match="has learnt none; take 'extended'.*learn_mask = True"):
        predicted.Mask()(replace(swap, predicted_mask=None))
