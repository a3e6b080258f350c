"""FLIP against its formulas in NumPy with two-dimensional filters of SciPy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve

from lib.model.losses.flip import flip

XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = XYZ @ np.ones(3)
PIXELS_PER_DEGREE = 67


def xyz_of_srgb(rgb: np.ndarray) -> np.ndarray:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ XYZ.T / WHITE


def ycxcz(xyz: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(xyz, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def xyz_of_ycxcz(colours: np.ndarray) -> np.ndarray:
    y = (colours[..., 0] + 16) / 116
    return np.stack([y + colours[..., 1] / 500, y, y - colours[..., 2] / 200], axis=-1)


def squared_radius(radius: int) -> np.ndarray:
    n = np.arange(-radius, radius + 1)
    return n[:, None] ** 2 + n**2


def seen(colours: np.ndarray) -> np.ndarray:
    """Each opponent colour through its contrast sensitivity, a sum of two Gaussians of radius."""
    degrees = squared_radius(10) / PIXELS_PER_DEGREE**2
    planes = []
    for channel, (a1, b1, a2, b2) in enumerate(
        [(1, 0.0047, 0, 1e-5), (1, 0.0053, 0, 1e-5), (34.1, 0.04, 13.5, 0.025)]
    ):
        kernel = sum(
            a * np.sqrt(np.pi / b) * np.exp(-(np.pi**2) * degrees / b)
            for a, b in ((a1, b1), (a2, b2))
        )
        planes.append(convolve(colours[..., channel], kernel / kernel.sum(), mode="nearest"))
    return np.stack(planes, axis=-1)


def hunt(xyz: np.ndarray) -> np.ndarray:
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * 841 / 108 + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    lightness = 116 * y - 16
    return np.stack(
        [lightness, lightness * 5 * (x - y), lightness * 2 * (y - z)],
        axis=-1,
    )


def hyab(i: np.ndarray, j: np.ndarray) -> np.ndarray:
    return np.abs(i - j)[..., 0] + np.sqrt(((i - j)[..., 1:] ** 2).sum(axis=-1))


def power(base: np.ndarray, exponent: np.ndarray | float, least: float) -> np.ndarray:
    """The paper's with `least` 0; else with a line from 0 to the value there."""
    if not least:
        return base**exponent
    return np.where(
        base < least, base / least * least**exponent, np.maximum(base, least) ** exponent
    )


def colour_difference(opponents: list[np.ndarray], least: float) -> np.ndarray:
    clamped = [
        np.clip(xyz_of_ycxcz(seen(o)) * WHITE @ np.linalg.inv(XYZ).T, 0, 1) for o in opponents
    ]
    difference = power(hyab(*(hunt(c @ XYZ.T / WHITE) for c in clamped)), 0.7, least)
    green, blue = (hunt(np.array(c, float) @ XYZ.T / WHITE) for c in ([0, 1, 0], [0, 0, 1]))
    largest = hyab(green, blue) ** 0.7
    knee = 0.4 * largest
    return np.where(
        difference < knee,
        0.95 / knee * difference,
        0.95 + (difference - knee) / (largest - knee) * 0.05,
    )


def detected(grey: np.ndarray, is_edge: bool) -> np.ndarray:
    sigma = 0.5 * 0.082 * PIXELS_PER_DEGREE
    radius = int(np.ceil(3 * sigma))
    x = np.arange(-radius, radius + 1)
    kernel = np.exp(-squared_radius(radius) / (2 * sigma**2)) * (
        -x if is_edge else x**2 / sigma**2 - 1
    )
    kernel = np.where(
        kernel > 0, kernel / kernel[kernel > 0].sum(), kernel / -kernel[kernel < 0].sum()
    )
    sides = [convolve(grey, k, mode="nearest") for k in (kernel, kernel.T)]
    return np.sqrt(sides[0] ** 2 + sides[1] ** 2)


def feature_difference(opponents: list[np.ndarray], least: float) -> np.ndarray:
    greys = [(o[..., 0] + 16) / 116 for o in opponents]
    edges, points = (
        np.abs(detected(greys[0], is_edge) - detected(greys[1], is_edge))
        for is_edge in (True, False)
    )
    return power(np.maximum(edges, points) / np.sqrt(2), 0.5, least)


def formula(x: np.ndarray, y: np.ndarray, least: float = 1e-3) -> float:
    opponents = [ycxcz(xyz_of_srgb(image[..., ::-1])) for image in (x, y)]
    colour = colour_difference(opponents, least)
    return float(np.mean(power(colour, 1 - feature_difference(opponents, least), least)))


@pytest.mark.parametrize("size", [(16, 16), (24, 33)])
def test_flip_is_its_formula(size: tuple[int, int], pictures, agrees) -> None:
    agrees(flip, formula, *pictures(*size))


@pytest.mark.parametrize(("noise", "share"), [(0.01, 0.01), (0.1, 0.001)])
def test_what_is_done_for_the_gradients_sake_changes_the_papers_value_little(
    noise: float, share: float, pictures
) -> None:
    truth, prediction = pictures(32, noise=noise)
    ours = flip(torch.from_numpy(truth), torch.from_numpy(prediction))
    papers = [formula(x, y, least=0) for x, y in zip(truth, prediction, strict=True)]
    np.testing.assert_allclose(ours, papers, rtol=share)


def flat(*rgb: float) -> torch.Tensor:
    return torch.tensor(rgb, dtype=torch.float64).expand(1, 20, 20, 3)


def test_known_colours() -> None:
    # Lightness, a* and b* times lightness / 100, from the tables of sRGB's primaries.
    green, blue = [87.737, -75.61, 72.98], [32.303, 25.58, -34.84]
    largest = hyab(np.array(green), np.array(blue)) ** 0.7
    black_and_white = 0.95 + 0.05 * (100**0.7 - 0.4 * largest) / (0.6 * largest)
    assert 0.96 < black_and_white < 0.97
    for ours, expected in (
        (flip(flat(0, 1, 0), flat(0, 0, 1), "rgb"), 1),
        (flip(flat(0, 0, 0), flat(1, 1, 1)), black_and_white),
        (flip(flat(0.2, 0.5, 0.7), flat(0.2, 0.5, 0.7)), 0),
    ):
        assert float(ours) == pytest.approx(expected, abs=1e-4)


def test_colours_are_taken_in_the_order_that_is_named(pictures) -> None:
    x, y = (torch.from_numpy(image) for image in pictures())
    torch.testing.assert_close(flip(x, y), flip(x.flip(-1), y.flip(-1), "rgb"))
    assert not torch.allclose(flip(x, y), flip(x, y, "rgb"), rtol=1e-3)
    with pytest.raises(KeyError):
        flip(x, y, "gbr")


def test_seen_from_afar_noise_counts_less(pictures) -> None:
    x, y = (torch.from_numpy(image) for image in pictures(48))
    near, far = (flip(x, y, pixels_per_degree=ppd) for ppd in (30, 120))
    assert (far < near).all()
