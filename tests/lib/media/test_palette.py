"""Few colours look like all of them."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lib.media.palette import COLOURS, paletted


def scene() -> NDArray[np.uint8]:
    """Soft skin before a blue wall, with noise as of a camera, and small red lips."""
    rows, columns = np.mgrid[:240, :320].astype(np.float32)
    wall = np.stack([180 + columns / 8, 150 + rows / 8, 40 + columns / 16], axis=-1)
    light = 1 - np.hypot(rows - 120, columns - 160)[..., None] / 400
    is_skin = np.hypot(rows - 120, columns - 160)[..., None] < 90
    picture = np.where(is_skin, np.array([130, 165, 215]) * light, wall)
    picture[160:168, 145:175] = 85, 75, 185
    noise = np.random.default_rng(0).normal(0, 3, picture.shape)
    return (picture + noise).round().clip(0, 255).astype(np.uint8)


def shown(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(paletted(picture).convert("RGB"))[..., ::-1]


def test_a_small_patch_keeps_its_colour() -> None:
    lips = np.s_[161:167, 146:174]
    picture = scene()
    off = shown(picture)[lips].mean(axis=(0, 1)) - picture[lips].mean(axis=(0, 1))
    assert np.abs(off).max() < 4


def test_soft_light_has_no_steps() -> None:
    picture = scene()
    seen, there = (
        cv2.GaussianBlur(p.astype(np.float32), (0, 0), 3) for p in (shown(picture), picture)
    )
    assert np.abs(seen - there).mean() < 0.6


@pytest.mark.parametrize(("scale", "shift"), [(0.2, 0), (0.1, 0), (0.2, 200)])
def test_dark_and_bright_pictures_have_colours_enough(scale: float, shift: int) -> None:
    picture = (scene() * scale + shift).astype(np.uint8)
    seen, there = (
        cv2.GaussianBlur(p.astype(np.float32), (0, 0), 3) for p in (shown(picture), picture)
    )
    assert np.abs(seen - there).mean() < 0.5


def test_grey_pictures_stay_as_they_are() -> None:
    grey = np.repeat(scene().mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    np.testing.assert_array_equal(shown(grey), grey)


def test_few_colours_stay_as_they_are() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (3, 3, 3), np.uint8)
    picture = np.repeat(np.repeat(colours, 8, axis=0), 8, axis=1)
    np.testing.assert_array_equal(shown(picture), picture)
    assert paletted(scene()).mode == "P"
    assert len(paletted(scene()).getcolors()) <= COLOURS
