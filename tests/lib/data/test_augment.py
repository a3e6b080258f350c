from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lib.data.augment import NO_CLAHE, Augmentation, plain

COUNT = 10_000
OTHER = {
    "zoom_amount": 12.5,
    "rotation_range": 25,
    "shift_range": 1.5,
    "flip_chance": 20,
    "color_lightness": 55,
    "color_ab": 21,
    "color_clahe_chance": 70,
    "color_clahe_max_size": 7,
}


@pytest.fixture(scope="module")
def draws():
    return Augmentation().draw(np.random.default_rng(7), COUNT)


@pytest.fixture(scope="module")
def other_draws():
    return Augmentation(**OTHER).draw(np.random.default_rng(8), COUNT)


def is_even(values, reach, middle=0.0):
    return stats.kstest(values, stats.uniform(middle - reach, 2 * reach).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("name", "part", "reach", "other", "middle"),
    [
        ("rotation", (), np.pi / 18, np.pi * 25 / 180, 0),
        ("scale", (), 0.05, 0.125, 1),
        ("shift", (0,), 0.05, 0.015, 0),
        ("shift", (1,), 0.05, 0.015, 0),
        ("colour", (0,), 0.30, 0.55, 0),
        ("colour", (1,), 0.08, 0.21, 0),
        ("colour", (2,), 0.08, 0.21, 0),
    ],
)
def test_even_draws(draws, other_draws, name, part, reach, other, middle):
    assert is_even(getattr(draws, name)[:, *part], reach, middle)
    assert is_even(getattr(other_draws, name)[:, *part], other, middle)


def test_options_do_not_change_the_strength_of_the_warp(other_draws):
    values = other_draws.warp[:, 0, 4, 1]
    assert stats.kstest(values, stats.norm(0, 5 / 256).cdf).pvalue > 1e-3


def test_all_is_drawn_independently(other_draws):
    """Spearman's rank correlation of whatever is drawn for a face, 55 pairs, none beyond 4 sd."""
    equalised = other_draws.clahe_step != NO_CLAHE
    drawn = np.column_stack(
        [
            other_draws.rotation,
            other_draws.scale,
            other_draws.shift,
            other_draws.flipped,
            other_draws.warp[:, 0, 0, 0],
            equalised,
            np.where(equalised, other_draws.clahe_step, 3.5),
            other_draws.colour,
        ]
    )
    correlation = stats.spearmanr(drawn).statistic
    assert np.abs(correlation - np.eye(len(correlation))).max() < 4 / np.sqrt(COUNT)


def test_faces_of_a_batch_follow_one_another_independently(draws):
    for values in (draws.rotation, draws.scale, draws.colour[:, 0], draws.flipped):
        assert abs(stats.spearmanr(values[1:], values[:-1]).statistic) < 4 / np.sqrt(COUNT)


@pytest.mark.parametrize("node", [..., (slice(None), 0, 0, 0), (slice(None), 1, 2, 3)])
def test_warp_is_normal(draws, node):
    values = draws.warp[node].ravel()
    assert stats.kstest(values, stats.norm(0, 5 / 256).cdf).pvalue > 1e-3


def test_warp_moves_nodes_independently(draws):
    correlation = np.corrcoef(draws.warp.reshape(COUNT, -1).T)
    assert np.abs(correlation - np.eye(50)).max() < 5 / np.sqrt(COUNT)


@pytest.mark.parametrize(("flip", "clahe"), [(0, 100), (20, 70), (50, 50), (75, 20), (100, 0)])
def test_chances(flip, clahe):
    augmentation = Augmentation(flip_chance=flip, color_clahe_chance=clahe)
    draws = augmentation.draw(np.random.default_rng(3), COUNT)
    for happened, chance in ((draws.flipped, flip), (draws.clahe_step != NO_CLAHE, clahe)):
        assert stats.binomtest(int(happened.sum()), COUNT, chance / 100).pvalue > 1e-3


def test_chances_by_default(draws):
    for happened in (draws.flipped, draws.clahe_step != NO_CLAHE):
        assert stats.binomtest(int(happened.sum()), COUNT, 0.5).pvalue > 1e-3


@pytest.mark.parametrize("largest", [1, 4, 8])
def test_clahe_steps_are_even_and_include_both_ends(largest):
    augmentation = Augmentation(color_clahe_chance=100, color_clahe_max_size=largest)
    steps = augmentation.draw(np.random.default_rng(5), COUNT).clahe_step
    counts = np.bincount(steps, minlength=largest + 1)
    assert len(counts) == largest + 1
    assert stats.chisquare(counts).pvalue > 1e-3


@settings(max_examples=50, deadline=None)
@given(
    zoom=st.floats(0, 25),
    rotation=st.floats(0, 25),
    shift=st.floats(0, 25),
    lightness=st.floats(0, 75),
    ab=st.floats(0, 50),
    seed=st.integers(0, 2**32),
)
def test_draws_stay_in_range(zoom, rotation, shift, lightness, ab, seed):
    augmentation = Augmentation(zoom, rotation, shift, 50, lightness, ab)
    draws = augmentation.draw(np.random.default_rng(seed), 40)
    assert np.abs(np.rad2deg(draws.rotation)).max() <= rotation + 1e-9
    assert np.abs(draws.scale - 1).max() <= zoom / 100 + 1e-9
    assert np.abs(draws.shift).max() <= shift / 100
    assert (np.abs(draws.colour) <= np.array([lightness, ab, ab]) / 100).all()


@pytest.mark.parametrize(
    ("flag", "off"),
    [("flip", {"flipped"}), ("warp", {"warp"}), ("colour", {"colour", "clahe_step"})],
)
def test_a_flag_turns_off_its_part_alone(flag, off):
    full = Augmentation().draw(np.random.default_rng(1), 100)
    part = replace(Augmentation(), **{flag: False}).draw(np.random.default_rng(1), 100)
    for field in fields(full):
        value = getattr(part, field.name)
        if field.name in off:
            assert (value == (NO_CLAHE if field.name == "clahe_step" else 0)).all()
        else:
            np.testing.assert_array_equal(value, getattr(full, field.name))


def area_weights(size, edge):
    """How much of each of ``size`` pixels each of ``edge`` smaller ones covers."""
    bounds = np.arange(size + 1) * edge / size
    low, high = bounds[:-1, None], bounds[1:, None]
    pixel = np.arange(edge)
    return np.clip(np.minimum(high, pixel + 1) - np.maximum(low, pixel), 0, None) * size / edge


def cubic_weights(size, edge):
    """Keys's (1981) kernel with a = -0.75; beyond the edge, the edge is repeated."""
    place = (np.arange(size) + 0.5) * edge / size - 0.5
    weights = np.zeros((size, edge))
    for pixel in range(-2, edge + 2):
        t = np.abs(place - pixel)
        near = 1.25 * t**3 - 2.25 * t**2 + 1
        far = -0.75 * t**3 + 3.75 * t**2 - 6 * t + 3
        weight = np.where(t <= 1, near, np.where(t < 2, far, 0))
        weights[:, np.clip(pixel, 0, edge - 1)] += weight
    return weights


@pytest.mark.parametrize(
    ("size", "weights"),
    [(24, area_weights), (44, area_weights), (60, area_weights), (150, cubic_weights)],
)
def test_plain_is_a_resized_crop(size, weights):
    faces = np.random.default_rng(0).integers(0, 256, (4, 128, 128, 3), np.uint8)
    result = plain(faces, np.array([2, 0]), size, 0.6875)
    spread = weights(size, 88)
    for row, index in enumerate((2, 0)):
        crop = faces[index, 20:108, 20:108].astype(float)
        wanted = np.einsum("ir,rcd,jc->ijd", spread, crop, spread, optimize=True).clip(0, 255)
        # OpenCV's cubic weights are whole multiples of 1/2048.
        assert np.abs(result[row] - wanted).max() < (0.51 if size < 88 else 1.5)


def test_plain_at_the_same_size_copies():
    faces = np.random.default_rng(0).integers(0, 256, (3, 94, 94, 3), np.uint8)
    np.testing.assert_array_equal(plain(faces, np.arange(3), 64, 0.6875), faces[:, 15:79, 15:79])


def test_plain_refuses_an_odd_edge():
    with pytest.raises(ValueError, match="95"):
        plain(np.zeros((1, 95, 95, 3), np.uint8), np.arange(1), 64, 0.6875)
