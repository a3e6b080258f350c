"""Colour spaces against scikit-image's, and against the formula of YCxCz."""

import numpy as np
import pytest
import torch
from skimage import color

from lib.model.losses.colour import (
    lab_from_linear,
    linear_from_opponent,
    linear_from_srgb,
    opponent_from_linear,
)


@pytest.fixture
def srgb() -> np.ndarray:
    """Colours of all kinds, white, black and near-black among them."""
    rng = np.random.default_rng(0)
    colours = rng.random((12, 12, 3))
    colours[0] *= 0.05
    colours[1, :2] = [[0, 0, 0], [1, 1, 1]]
    return colours


def planes(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None]


def pixels(tensor: torch.Tensor) -> np.ndarray:
    return tensor[0].permute(1, 2, 0).numpy()


def test_lab_is_scikit_images(srgb: np.ndarray) -> None:
    ours = pixels(lab_from_linear(linear_from_srgb(planes(srgb))))
    # Its matrix has more digits than the standard's, and its white is another rounding of D65.
    np.testing.assert_allclose(ours, color.rgb2lab(srgb), atol=0.05)


def test_xyz_of_white_is_one_in_each() -> None:
    lab = lab_from_linear(torch.ones(1, 3, 1, 1, dtype=torch.float64)).flatten()
    np.testing.assert_allclose(lab, [100, 0, 0], atol=1e-9)


def test_opponent_colours_are_the_formula_and_lead_back(srgb: np.ndarray) -> None:
    linear = linear_from_srgb(planes(srgb))
    x, y, z = (color.rgb2xyz(srgb) / color.rgb2xyz(np.ones(3))).transpose(2, 0, 1)
    opponent = opponent_from_linear(linear)
    expected = np.stack([116 * y, 500 * (x - y), 200 * (y - z)], axis=-1)
    np.testing.assert_allclose(pixels(opponent), expected, atol=0.05)
    np.testing.assert_allclose(linear_from_opponent(opponent), linear, atol=1e-12)


def test_gradients_agree_with_finite_differences(srgb: np.ndarray) -> None:
    colours = planes(srgb[2:5, :3]).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: lab_from_linear(linear_from_srgb(x)), (colours,))
