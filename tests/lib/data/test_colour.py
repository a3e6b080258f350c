import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import lab2rgb, rgb2lab

from lib.data.augment import NO_CLAHE
from lib.data.colour import ColourJitter, clahe_tiles, lookup_tables

EDGE = 94
WHOLE = np.s_[0:EDGE, 0:EDGE]


def smooth_face(seed):
    coarse = np.random.default_rng(seed).integers(60, 200, (6, 6, 3), np.uint8)
    return cv2.resize(coarse, (EDGE, EDGE), interpolation=cv2.INTER_CUBIC)


def noise(seed):
    return np.random.default_rng(seed).integers(0, 256, (EDGE, EDGE, 3), np.uint8)


def table_of(*rates):
    return lookup_tables(np.array([rates], float))[0]


def changed_in_float(face, rates):
    """The change in float64, in OpenCV's 0..255 scale of L*a*b*, by scikit-image's conversions."""
    lab = rgb2lab(face[..., ::-1]) * (2.55, 1, 1) + (0, 128, 128)
    for channel, rate in enumerate(rates):
        value = lab[..., channel]
        lab[..., channel] = value + (255 - value) * rate if rate >= 0 else value * (1 + rate)
    back = (lab - (0, 128, 128)) / (2.55, 1, 1)
    return lab2rgb(back)[..., ::-1] * 255


@settings(max_examples=100, deadline=None)
@given(rates=st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_tables_follow_the_formula(rates):
    table = table_of(*rates).reshape(256, 3)
    for channel, r in enumerate(rates):
        exact = np.array([v + (255 - v) * r if r >= 0 else v * (1 + r) for v in range(256)])
        assert np.abs(table[:, channel] - exact).max() <= 0.5 + 1e-9


def test_each_face_has_its_table():
    rates = np.random.default_rng(0).uniform(-1, 1, (5, 3))
    tables = lookup_tables(rates)
    assert tables.shape == (5, 256, 1, 3)
    for table, rate in zip(tables, rates, strict=True):
        np.testing.assert_array_equal(table, table_of(*rate))


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


@pytest.mark.parametrize("rates", [(0, 0, 0), (0.3, 0, 0), (-0.3, 0.08, -0.08), (0.1, -0.08, 0.05)])
@pytest.mark.parametrize("seed", [1, 2])
def test_colours_against_float64(rates, seed):
    face = smooth_face(seed)
    result = ColourJitter(EDGE)(face, 0, table_of(*rates), WHOLE)
    error = np.abs(result - changed_in_float(face, rates))
    assert error.mean() < 1.5  # eight bits of L*a*b* are coarser than eight of BGR
    assert np.percentile(error, 99) < 6


def test_colours_of_real_faces_against_float64(grid):
    jitter, rates = ColourJitter(EDGE), (0.2, -0.05, 0.06)
    for file in sorted(grid.glob("*/*.png"))[::60]:
        face = cv2.resize(cv2.imread(str(file)), (EDGE, EDGE), interpolation=cv2.INTER_AREA)
        error = np.abs(jitter(face, 0, table_of(*rates), WHOLE) - changed_in_float(face, rates))
        assert error.mean() < 1.5


def equalised(lightness):
    """Contrast-limited equalisation of one tile, after Zuiderveld (1994), limit 2."""
    histogram = np.bincount(lightness.ravel(), minlength=256).astype(float)
    limit = 2 * lightness.size / 256
    excess = np.maximum(histogram - limit, 0).sum()
    histogram = np.minimum(histogram, limit) + excess / 256
    return (np.cumsum(histogram) * 255 / lightness.size)[lightness]


def test_equalisation_of_one_tile_against_its_definition():
    grey = np.repeat(smooth_face(4)[..., :1] // 2, 3, axis=2)
    lightness = cv2.cvtColor(grey, cv2.COLOR_BGR2LAB)[..., 0]
    result = ColourJitter(EDGE)(grey, 1, table_of(0, 0, 0), WHOLE)
    changed = cv2.cvtColor(result, cv2.COLOR_BGR2LAB)[..., 0]
    assert np.abs(changed - equalised(lightness)).mean() < 2
    assert np.abs(lightness - equalised(lightness)).mean() > 20


@pytest.mark.parametrize("tiles", [0, 1, 3, 5])
def test_tiles_reach_the_equalisation(tiles):
    face, table = noise(3), table_of(0.1, 0.05, -0.02)
    lab = cv2.cvtColor(face, cv2.COLOR_BGR2LAB)
    if tiles:
        lightness = np.ascontiguousarray(lab[..., 0])
        lab[..., 0] = cv2.createCLAHE(2.0, (tiles, tiles)).apply(lightness)
    for channel in range(3):
        lab[..., channel] = table[:, 0, channel][lab[..., channel]]
    expected = cv2.cvtColor(lab, cv2.COLOR_LAB2BGR)
    np.testing.assert_array_equal(ColourJitter(EDGE)(face, tiles, table, WHOLE), expected)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.tuples(st.integers(0, 46), st.integers(48, EDGE)),
    columns=st.tuples(st.integers(0, 46), st.integers(48, EDGE)),
    tiles=st.integers(0, 5),
)
def test_a_box_changes_nothing_within(rows, columns, tiles):
    jitter, table = ColourJitter(EDGE), table_of(-0.2, 0.03, 0.07)
    whole = jitter(noise(1), tiles, table, WHOLE).copy()
    jitter(noise(2), 2, table, WHOLE)  # what a former face leaves must not show
    box = slice(*rows), slice(*columns)
    np.testing.assert_array_equal(jitter(noise(1), tiles, table, box)[box], whole[box])


def test_the_face_itself_stays():
    face = noise(6)
    before = face.copy()
    ColourJitter(EDGE)(face, 3, table_of(0.3, 0.1, 0.1), WHOLE)
    np.testing.assert_array_equal(face, before)
