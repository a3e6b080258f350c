from dataclasses import fields, replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lib.data.augment import NO_CLAHE, Augmentation, plain

COUNT = 10_000


@pytest.fixture(scope="module")
def draws():
    return Augmentation().draw(np.random.default_rng(7), COUNT)


@pytest.mark.parametrize(
    ("name", "part", "low", "high"),
    [
        ("rotation", (), -np.pi / 18, np.pi / 18),
        ("scale", (), 0.95, 1.05),
        ("shift", (0,), -0.05, 0.05),
        ("shift", (1,), -0.05, 0.05),
        ("colour", (0,), -0.30, 0.30),
        ("colour", (1,), -0.08, 0.08),
        ("colour", (2,), -0.08, 0.08),
    ],
)
def test_even_draws(draws, name, part, low, high):
    values = getattr(draws, name)[:, *part]
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-3


@pytest.mark.parametrize("node", [..., (slice(None), 0, 0, 0), (slice(None), 1, 2, 3)])
def test_warp_is_normal(draws, node):
    values = draws.warp[node].ravel()
    assert stats.kstest(values, stats.norm(0, 5 / 256).cdf).pvalue > 1e-3


def test_warp_moves_nodes_independently(draws):
    correlation = np.corrcoef(draws.warp.reshape(COUNT, -1).T)
    assert np.abs(correlation - np.eye(50)).max() < 5 / np.sqrt(COUNT)


@pytest.mark.parametrize("chance", [0, 20, 50, 75, 100])
def test_chances(chance):
    augmentation = Augmentation(flip_chance=chance, color_clahe_chance=chance)
    draws = augmentation.draw(np.random.default_rng(3), COUNT)
    for happened in (draws.flipped, draws.clahe_step != NO_CLAHE):
        assert stats.binomtest(int(happened.sum()), COUNT, chance / 100).pvalue > 1e-3


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


@pytest.mark.parametrize(
    ("size", "how"), [(24, cv2.INTER_AREA), (44, cv2.INTER_AREA), (150, cv2.INTER_CUBIC)]
)
def test_plain_is_a_resized_crop(size, how):
    faces = np.random.default_rng(0).integers(0, 256, (4, 128, 128, 3), np.uint8)
    result = plain(faces, np.array([2, 0]), size, 0.6875)
    for row, index in enumerate((2, 0)):
        crop = np.ascontiguousarray(faces[index, 20:108, 20:108])
        np.testing.assert_array_equal(
            result[row], cv2.resize(crop, (size, size), interpolation=how)
        )


def test_plain_at_the_same_size_copies():
    faces = np.random.default_rng(0).integers(0, 256, (3, 94, 94, 3), np.uint8)
    np.testing.assert_array_equal(plain(faces, np.arange(3), 64, 0.6875), faces[:, 15:79, 15:79])


def test_plain_refuses_an_odd_edge():
    with pytest.raises(ValueError, match="95"):
        plain(np.zeros((1, 95, 95, 3), np.uint8), np.arange(1), 64, 0.6875)
