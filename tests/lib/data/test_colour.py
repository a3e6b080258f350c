import warnings

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import lab2rgb, rgb2lab

from lib.data.augment import NO_CLAHE
from lib.data.colour import ColourJitter, clahe_tiles, lines

EDGE = 94
WHOLE = np.s_[0:EDGE, 0:EDGE]


def smooth_face(seed):
    coarse = np.random.default_rng(seed).integers(60, 200, (6, 6, 3), np.uint8)
    return cv2.resize(coarse, (EDGE, EDGE), interpolation=cv2.INTER_CUBIC)


def noise(seed):
    return np.random.default_rng(seed).integers(0, 256, (EDGE, EDGE, 3), np.uint8)


def line_of(*rates):
    return lines(np.array([rates], float))[0]


def changed(face, tiles, rates, box=WHOLE):
    """By the code under test."""
    return ColourJitter(len(face))(face, tiles, line_of(*rates), box)[box][..., :3]


def changed_in_float(face, rates, lightness=None):
    """The change in float64, on the scale of 0 to 255, by scikit-image's conversions."""
    lab = rgb2lab(face[..., ::-1]) * (2.55, 1, 1) + (0, 128, 128)
    if lightness is not None:
        lab[..., 0] = lightness
    for channel, rate in enumerate(rates):
        value = lab[..., channel]
        lab[..., channel] = value + (255 - value) * rate if rate >= 0 else value * (1 + rate)
    back = (lab - (0, 128, 128)) / (2.55, 1, 1)
    with warnings.catch_warnings(action="ignore"):  # of colours that no screen can show
        return lab2rgb(back)[..., ::-1] * 255


@settings(max_examples=100, deadline=None)
@given(rates=st.lists(st.floats(-1, 1), min_size=3, max_size=3), value=st.floats(0, 255))
def test_tables_follow_the_formula(rates, value):
    for (factor, summand), r in zip(line_of(*rates), rates, strict=True):
        exact = value + (255 - value) * r if r >= 0 else value * (1 + r)
        np.testing.assert_allclose(value * factor + summand, exact, atol=1e-3)


def test_each_face_has_its_lines():
    rates = np.random.default_rng(0).uniform(-1, 1, (5, 3))
    for line, rate in zip(lines(rates), rates, strict=True):
        np.testing.assert_array_equal(line, line_of(*rate))


@pytest.mark.parametrize(
    ("edge", "tiles"),
    [
        (64, [1, 2, 3, 4, 5]),
        (94, [1, 2, 3, 4, 5]),
        (256, [2, 3, 4, 5, 6]),
        (512, [4, 6, 8, 10, 12]),
    ],
)
def test_clahe_grid(edge, tiles):
    steps = np.array([NO_CLAHE, 0, 1, 2, 3, 4])
    np.testing.assert_array_equal(clahe_tiles(edge, steps), [0, *tiles])


RATES = [(0, 0, 0), (0.3, 0, 0), (-0.3, 0.08, -0.08), (0.1, -0.08, 0.05)]


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("seed", [1, 2])
def test_colours_against_float64(rates, seed):
    face = smooth_face(seed)
    error = np.abs(changed(face, 0, rates) - changed_in_float(face, rates))
    assert error.mean() < 0.3  # a quarter is what rounding takes
    assert np.percentile(error, 99) < 0.8


@pytest.mark.parametrize("rates", RATES)
def test_any_colour_against_float64(rates):
    """Of saturated and of dark ones too, where the curves of CIE are lines."""
    levels = np.array([0, 1, 3, 7, 12, 40, 100, 180, 230, 255], np.uint8)
    face = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    face = np.resize(face, (EDGE, EDGE, 3))
    error = np.abs(changed(face, 0, rates) - changed_in_float(face, rates))
    assert error.mean() < 0.4
    assert error.max() < 2.5


def test_colours_of_real_faces_against_float64(grid):
    rates = 0.2, -0.05, 0.06
    for file in sorted(grid.glob("*/*.png"))[::60]:
        face = cv2.resize(cv2.imread(str(file)), (EDGE, EDGE), interpolation=cv2.INTER_AREA)
        error = np.abs(changed(face, 0, rates) - changed_in_float(face, rates))
        assert error.mean() < 0.3


def equalised(lightness):
    """Contrast-limited equalisation of one tile, after Zuiderveld (1994), limit 2."""
    histogram = np.bincount(lightness.ravel(), minlength=256).astype(float)
    limit = 2 * lightness.size / 256
    excess = np.maximum(histogram - limit, 0).sum()
    histogram = np.minimum(histogram, limit) + excess / 256
    return (np.cumsum(histogram) * 255 / lightness.size)[lightness]


def test_equalisation_of_one_tile_against_its_definition():
    grey = np.repeat(smooth_face(4)[..., :1] // 2, 3, axis=2)
    lightness = np.rint(rgb2lab(grey)[..., 0] * 2.55).astype(np.uint8)
    result = rgb2lab(changed(grey, 1, (0, 0, 0))[..., ::-1])[..., 0] * 2.55
    assert np.abs(result - equalised(lightness)).mean() < 2
    assert np.abs(lightness - equalised(lightness)).mean() > 20


@pytest.mark.parametrize("edge", [94, 64, 300])
@pytest.mark.parametrize("tiles", [1, 2, 3, 4, 5])
def test_tiles_reach_the_equalisation(edge, tiles):
    """As in OpenCV, which rounds what is not rounded here; of greys, so that L alone counts."""
    rng = np.random.default_rng(edge + tiles)
    small = rng.integers(0, 256, (edge // 8, edge // 8), np.uint8)
    grey = cv2.resize(small, (edge, edge), interpolation=cv2.INTER_CUBIC)
    face = np.repeat(grey[..., None], 3, axis=2)
    lightness = np.rint(rgb2lab(face)[..., 0] * 2.55).astype(np.uint8)
    wanted = cv2.createCLAHE(2.0, (tiles, tiles)).apply(lightness).astype(float)
    whole = slice(0, edge), slice(0, edge)
    result = rgb2lab(changed(face, tiles, (0, 0, 0), whole)[..., ::-1])[..., 0] * 2.55
    difference = np.abs(result - wanted)
    assert difference.mean() < 0.5
    # A lightness that is all but halfway can be rounded the other way before.
    assert np.percentile(difference, 99) < 2
    assert difference.max() < 8
    assert np.abs(lightness - wanted).mean() > 5


def test_colours_change_after_the_equalisation():
    face, rates = smooth_face(5), (0.2, 0.05, -0.06)
    lightness = np.rint(rgb2lab(face[..., ::-1])[..., 0] * 2.55).astype(np.uint8)
    lightness = cv2.createCLAHE(2.0, (3, 3)).apply(lightness)
    error = np.abs(changed(face, 3, rates) - changed_in_float(face, rates, lightness))
    assert error.mean() < 0.7


@settings(max_examples=40, deadline=None)
@given(
    rows=st.tuples(st.integers(0, 46), st.integers(48, EDGE)),
    columns=st.tuples(st.integers(0, 46), st.integers(48, EDGE)),
    tiles=st.integers(0, 5),
)
def test_a_box_changes_nothing_within(rows, columns, tiles):
    jitter, line = ColourJitter(EDGE), line_of(-0.2, 0.03, 0.07)
    whole = jitter(noise(1), tiles, line, WHOLE).copy()
    jitter(noise(2), 2, line, WHOLE)  # what a former face leaves must not show
    box = slice(*rows), slice(*columns)
    np.testing.assert_array_equal(jitter(noise(1), tiles, line, box)[box], whole[box])


def test_faces_wider_than_a_block_change_throughout():
    face = cv2.resize(smooth_face(3), (600, 600), interpolation=cv2.INTER_CUBIC)
    whole = slice(0, 600), slice(0, 600)
    error = np.abs(changed(face, 0, RATES[3], whole) - changed_in_float(face, RATES[3]))
    assert error.max() < 1.5


def test_the_face_itself_stays():
    face = noise(6)
    before = face.copy()
    ColourJitter(EDGE)(face, 3, line_of(0.3, 0.1, 0.1), WHOLE)
    np.testing.assert_array_equal(face, before)
