"""Colours of many faces at once, against scikit-image and against OpenCV."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import lab2xyz, rgb2xyz, xyz2lab, xyz2rgb, xyz_tristimulus_values
from skimage.color.colorconv import xyz_from_rgb

from lib.data.augment import NO_CLAHE, Draws
from lib.data.colour import clahe_tiles
from lib.training.colour import Colours, planned

EDGE = 60
RATES = st.tuples(st.floats(-0.3, 0.3), st.floats(-0.08, 0.08), st.floats(-0.08, 0.08))
SCALE, MIDDLE = (255 / 100, 1, 1), (0, 128, 128)

IEC_61966 = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array(xyz_tristimulus_values(illuminant="D65", observer="2"))
TO_STANDARD = (WHITE / IEC_61966.sum(axis=1))[:, None] * IEC_61966 @ np.linalg.inv(xyz_from_rgb)
"""From scikit-image's XYZ, of six digits, to that of the standard, of four."""


def to_lab(rgb: np.ndarray) -> np.ndarray:
    return xyz2lab(rgb2xyz(rgb) @ TO_STANDARD.T)


def to_rgb(lab: np.ndarray) -> np.ndarray:
    return xyz2rgb(lab2xyz(lab) @ np.linalg.inv(TO_STANDARD).T)


def draws_of(rates: np.ndarray, steps: np.ndarray) -> Draws:
    """As much of a plan as colours depend on."""
    empty = np.empty(0)
    return Draws(empty, empty, empty, empty, empty, steps, rates)


def as_planes(pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.moveaxis(pictures, -1, 1).astype(np.float32))


def as_pictures(planes: torch.Tensor) -> np.ndarray:
    return np.moveaxis(planes.numpy(), 1, -1)


def every_fourth_colour() -> np.ndarray:
    levels = np.append(np.arange(0, 256, 4), 255).astype(np.uint8)
    return np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, 65, -1, 3)


def soft_faces(count: int) -> np.ndarray:
    """Of colours such as faces have; a screen shows them after any change."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(60, 200, (count, 6, 6, 1)) + rng.uniform(-30, 30, (count, 6, 6, 3))
    coarse = coarse.astype(np.uint8)
    return np.stack([cv2.resize(c, (EDGE, EDGE), interpolation=cv2.INTER_CUBIC) for c in coarse])


def changed(faces: np.ndarray, draws: Draws) -> np.ndarray:
    change, pictures = planned(draws, EDGE), as_planes(faces)
    return as_pictures(pictures if change is None else Colours()(pictures, change))


def exactly_changed(face: np.ndarray, tiles: int, rate: np.ndarray) -> np.ndarray:
    """By scikit-image's conversions in float64, and OpenCV's equalisation."""
    if not tiles and not rate.any():
        return face.astype(float)
    lab = to_lab(face[..., ::-1]) * SCALE + MIDDLE
    if tiles:
        lightness = np.rint(lab[..., 0]).astype(np.uint8)
        lab[..., 0] = cv2.createCLAHE(2.0, (tiles, tiles)).apply(lightness)
    lab = np.where(rate < 0, lab * (1 + rate), lab + (255 - lab) * rate)
    return to_rgb((lab - MIDDLE) / SCALE)[..., ::-1] * 255


def test_lab_is_that_of_its_definition() -> None:
    colours = every_fourth_colour()
    ours = as_pictures(Colours().to_lab(as_planes(colours)))
    exact = to_lab(colours[..., ::-1]) * SCALE + MIDDLE
    assert np.abs(ours - exact).max() < 0.01


def test_lab_comes_back() -> None:
    colours = every_fourth_colour()
    lab = np.rint(to_lab(colours[..., ::-1]) * SCALE + MIDDLE)
    ours = as_pictures(Colours().to_bgr(as_planes(lab)))
    exact = to_rgb((lab - MIDDLE) / SCALE)[..., ::-1] * 255
    assert np.abs(ours - exact).max() < 0.1


def test_colours_that_no_screen_shows_stay_within_levels() -> None:
    lab = np.random.default_rng(0).integers(0, 256, (1, 200, 200, 3), np.uint8)
    ours = as_pictures(Colours().to_bgr(as_planes(lab)))
    assert ours.min() == 0
    assert 254.99 < ours.max() <= 255
    # OpenCV reckons in whole numbers here, and from primaries of six digits.
    assert np.abs(ours - cv2.cvtColor(lab[0], cv2.COLOR_LAB2BGR)).max() < 3


@settings(max_examples=40, deadline=None)
@given(
    rates=st.lists(RATES, min_size=1, max_size=3),
    step=st.integers(NO_CLAHE, 4),
)
def test_a_change_is_that_of_its_definition(rates: list[tuple], step: int) -> None:
    faces, drawn = soft_faces(len(rates)), np.array(rates)
    steps = np.resize([step, NO_CLAHE, 2], len(rates))
    ours = changed(faces, draws_of(drawn, steps))
    for face, result, tiles, rate in zip(faces, ours, clahe_tiles(EDGE, steps), drawn, strict=True):
        wanted = exactly_changed(face, int(tiles), rate)
        # OpenCV rounds what it has equalised.
        difference = np.abs(result - wanted)
        assert difference.max() < (6 if tiles else 0.1)
        assert difference.mean() < (0.6 if tiles else 0.01)


@pytest.mark.parametrize(("step", "mean"), [(NO_CLAHE, 0.7), (0, 2.0)])
def test_a_change_is_much_as_opencv_makes_it(step: int, mean: float) -> None:
    """Its whole numbers are a level off in L for a pixel in seven, which equalisation enlarges."""
    faces, rng = soft_faces(12), np.random.default_rng(1)
    drawn, steps = rng.uniform(-1, 1, (12, 3)) * (0.3, 0.08, 0.08), np.full(12, step)
    tiles = int(clahe_tiles(EDGE, steps)[0])
    wanted = []
    for face, rate in zip(faces, drawn, strict=True):
        lab = cv2.cvtColor(face, cv2.COLOR_BGR2LAB)
        if tiles:
            lab[..., 0] = cv2.createCLAHE(2.0, (tiles, tiles)).apply(lab[..., 0].copy())
        lab = np.rint(np.where(rate < 0, lab * (1 + rate), lab + (255.0 - lab) * rate))
        wanted.append(cv2.cvtColor(lab.astype(np.uint8), cv2.COLOR_LAB2BGR).astype(int))
    difference = np.abs(changed(faces, draws_of(drawn, steps)) - wanted)
    assert difference.mean() < mean
    assert (difference <= 10).mean() > 0.99


def test_a_face_that_is_not_changed_stays_to_the_byte() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3, EDGE, EDGE, 3), np.uint8)
    rates = np.array([[0.2, 0, 0], [0, 0, 0], [0, 0, 0]])
    change = planned(draws_of(rates, np.array([NO_CLAHE, NO_CLAHE, 1])), EDGE)
    ours = as_pictures(Colours()(as_planes(noise), change))
    np.testing.assert_array_equal(ours[1], noise[1])
    assert (ours[[0, 2]] != noise[[0, 2]]).any(axis=(1, 2, 3)).all()


def test_some_of_a_batch_are_changed_as_they_are_with_all() -> None:
    faces, rng = soft_faces(5), np.random.default_rng(2)
    draws = draws_of(rng.uniform(-0.1, 0.1, (5, 3)), np.array([NO_CLAHE, 3, NO_CLAHE, 0, 1]))
    draws.colour[2] = 0
    wanted = changed(faces, draws)
    for start, end in ((0, 2), (2, 3), (2, 5)):
        change, pictures = planned(draws, EDGE, slice(start, end)), as_planes(faces[start:end])
        ours = as_pictures(pictures if change is None else Colours()(pictures, change))
        np.testing.assert_array_equal(ours, wanted[start:end])


def test_what_goes_to_a_card_lies_in_one_piece() -> None:
    """Else the host would wait for the copy."""
    change = planned(draws_of(np.full((3, 3), 0.1), np.array([0, NO_CLAHE, 2])), EDGE)
    for held in (change, change.tiling):
        for value in vars(held).values():
            assert not isinstance(value, torch.Tensor) or value.is_contiguous()


def test_a_batch_that_is_not_changed_needs_no_plan() -> None:
    assert planned(draws_of(np.zeros((4, 3)), np.full(4, NO_CLAHE)), EDGE) is None
