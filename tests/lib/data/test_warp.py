import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicHermiteSpline
from scipy.ndimage import map_coordinates

from lib.data.augment import Augmentation, Draws
from lib.data.copies import Copies
from lib.data.warp import (
    Sampler,
    inverse_transforms,
    node_weights,
    sampled_box,
    window_nodes,
)

EDGE, WINDOW = 94, 64


def draws_of(rotation=0.0, scale=1.0, shift=(0.0, 0.0), flipped=False, warp=None):
    return Draws(
        rotation=np.array([rotation]),
        scale=np.array([scale]),
        shift=np.array([shift]),
        flipped=np.array([flipped]),
        warp=np.zeros((1, 2, 5, 5)) if warp is None else warp[None],
        clahe_step=np.array([-1]),
        colour=np.zeros((1, 3)),
    )


def random_draws(seed):
    return Augmentation().draw(np.random.default_rng(seed), 1)


def noise(seed, edge=EDGE):
    return np.random.default_rng(seed).integers(0, 256, (edge, edge, 3), np.uint8)


def smooth(seed, edge=EDGE):
    coarse = np.random.default_rng(seed).integers(40, 216, (5, 5, 3), np.uint8)
    return cv2.resize(coarse, (edge, edge), interpolation=cv2.INTER_CUBIC)


def sampled(draws, face, masks, size=WINDOW, window=WINDOW, box=None):
    """Feed and target by the code under test."""
    edge = face.shape[0]
    sampler = Sampler.of_window(size, edge, window)
    transforms = inverse_transforms(draws, edge)
    _, warped = window_nodes(transforms, draws, edge, window)
    feed, target = np.empty((size, size, 3), np.uint8), np.empty((size, size, 6), np.uint8)
    copies = Copies(edge)
    picture = np.ascontiguousarray(np.dstack([face, face[..., :1]]))
    copies.show(picture, np.ascontiguousarray(masks), box or (slice(0, edge), slice(0, edge)))
    sampler.warp(copies, sampler.maps(sampler.on_copy(warped[0])), feed)
    sampler.move(copies, transforms[0], target)
    return feed, target


def expected_places(draws, size, edge, window, *, warp):
    """Where output pixels lie in the face, from the definition: complex numbers and SciPy."""
    middle = (edge - 1) / 2
    line = middle + ((np.arange(size) + 0.5) / size - 0.5) * window
    z = line[None, :] + 1j * line[:, None]
    if warp:
        dx, dy = (displacement(plane, size) * edge for plane in draws.warp[0])
        z = z + dx + 1j * dy
    if draws.flipped[0]:
        z = (edge - 1 - z.real) + 1j * z.imag
    shift = complex(*draws.shift[0]) * edge
    centre = complex(middle, middle)
    z = (z - centre - shift) / (draws.scale[0] * np.exp(1j * draws.rotation[0])) + centre
    return z.real, z.imag


def displacement(plane, size):
    place = (np.arange(size) + 0.5) / size * 4
    for axis in (0, 1):
        slopes = np.gradient(plane, axis=axis)  # central within, one-sided at the ends
        plane = CubicHermiteSpline(np.arange(5), plane, slopes, axis=axis)(place)
    return plane


def interpolated(image, x, y, order):
    return np.stack(
        [
            map_coordinates(image[..., c].astype(float), (y, x), order=order, mode="nearest")
            for c in range(3)
        ],
        axis=-1,
    )


@pytest.mark.parametrize("size", [7, 32, 64, 256])
def test_node_weights_are_the_spline(size):
    values = np.random.default_rng(size).normal(size=5)
    place = (np.arange(size) + 0.5) / size * 4
    curve = CubicHermiteSpline(np.arange(5), values, np.gradient(values))(place)
    np.testing.assert_allclose(node_weights(size) @ values, curve, atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(size=st.integers(1, 300), start=st.floats(-100, 100), step=st.floats(-100, 100))
def test_node_weights_keep_lines(size, start, step):
    weights = node_weights(size).astype(float)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    place = (np.arange(size) + 0.5) / size * 4
    np.testing.assert_allclose(
        weights @ (start + step * np.arange(5)), start + step * place, atol=2e-4
    )


@settings(max_examples=100, deadline=None)
@given(
    rotation=st.floats(-0.5, 0.5),
    scale=st.floats(0.7, 1.4),
    shift=st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)),
    flipped=st.booleans(),
    point=st.tuples(st.floats(0, 93), st.floats(0, 93)),
)
def test_transform_takes_a_moved_point_back(rotation, scale, shift, flipped, point):
    centre = complex(46.5, 46.5)
    moved = scale * np.exp(1j * rotation) * (complex(*point) - centre) + centre
    moved += complex(*shift) * EDGE
    x, y = (EDGE - 1 - moved.real if flipped else moved.real), moved.imag
    (matrix,) = inverse_transforms(draws_of(rotation, scale, shift, flipped), EDGE)
    np.testing.assert_allclose(matrix @ (x, y, 1), point, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), margin=st.integers(0, 20), half=st.integers(8, 40))
def test_no_change_is_the_identity(seed, margin, half):
    edge, window = 2 * (half + margin), 2 * half
    face, masks = noise(seed, edge), noise(seed + 1, edge)
    feed, target = sampled(draws_of(), face, masks, window, window)
    inside = np.s_[margin : margin + window, margin : margin + window]
    np.testing.assert_array_equal(feed, face[inside])
    np.testing.assert_array_equal(target, np.concatenate([face, masks], axis=-1)[inside])


def test_a_flip_mirrors_the_window():
    face, masks = noise(0), noise(1)
    feed, target = sampled(draws_of(flipped=True), face, masks)
    mirrored = np.concatenate([face, masks], axis=-1)[15:79, 78:14:-1]
    np.testing.assert_array_equal(feed, mirrored[..., :3])
    np.testing.assert_array_equal(target, mirrored)


@pytest.mark.parametrize("times", [2, 3, 4])
def test_a_smaller_output_is_reduced_by_area(times):
    size = 24
    edge = (size + 8) * times
    face, masks = noise(times, edge), noise(times + 1, edge)
    feed, target = sampled(draws_of(), face, masks, size, size * times)
    both = np.concatenate([face, masks], axis=-1)
    small = both.reshape(edge // times, times, edge // times, times, 6).mean(axis=(1, 3))
    assert np.abs(target - small[4:-4, 4:-4]).max() <= 0.51
    np.testing.assert_array_equal(feed, target[..., :3])


def test_reduction_of_an_edge_that_is_no_multiple():
    face = smooth(3, 95)
    copies = Copies(95)
    copies.show(np.zeros((95, 95, 4), np.uint8), face, (slice(0, 95), slice(0, 95)))
    small = copies.masks(2)[0].reshape(48, 48, 3)
    whole = np.pad(face, ((0, 1), (0, 1), (0, 0)), mode="edge")
    assert np.abs(small - whole.reshape(48, 2, 48, 2, 3).mean(axis=(1, 3))).max() <= 0.51


def test_fine_patterns_do_not_alias_when_reduced():
    rows, columns = np.mgrid[:256, :256]
    checks = np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)
    for seed in range(3):
        feed, target = sampled(random_draws(seed), checks, checks, 64, 176)
        assert np.abs(feed - 127.5).max() < 3
        assert np.abs(target - 127.5).max() < 3


@pytest.mark.parametrize("size", [40, 44, 64, 100])
def test_other_sizes_match_a_resize(size):
    face = smooth(8)
    feed, target = sampled(draws_of(), face, face, size)
    crop = np.ascontiguousarray(face[15:79, 15:79])
    how = cv2.INTER_AREA if size < WINDOW else cv2.INTER_CUBIC
    wanted = cv2.resize(crop, (size, size), interpolation=how).astype(int)
    inner = np.s_[3:-3, 3:-3]  # a resize repeats the crop's edge, sampling sees beyond it
    assert np.abs(feed - wanted)[inner].max() <= 2
    assert np.abs(target[..., :3] - wanted)[inner].max() <= 2


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    geometry=st.sampled_from(
        [(94, 64, 64), (95, 64, 64), (94, 64, 32), (64, 64, 64), (94, 64, 48)]
    ),
)
def test_feed_target_and_masks_lie_where_the_definition_says(seed, geometry):
    edge, window, size = geometry
    draws, face, masks = random_draws(seed), smooth(seed % 97, edge), smooth(seed % 89, edge)
    feed, target = sampled(draws, face, masks, size, window)
    still = expected_places(draws, size, edge, window, warp=False)
    warped = expected_places(draws, size, edge, window, warp=True)
    for result, picture, places in (
        (feed, face, warped),
        (target[..., :3], face, still),
        (target[..., 3:], masks, still),
    ):
        error = np.abs(result - interpolated(picture, *places, order=1))
        inside = np.logical_and.reduce([(p >= 1) & (p <= edge - 2) for p in places])
        assert error[inside].mean() < 0.9
        assert error[inside].max() < 6
        assert error.max() < 12  # a reduced copy repeats a coarser edge


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), x=st.integers(36, 57), y=st.integers(36, 57))
def test_a_bright_dot_moves_as_the_composed_map_says(seed, x, y):
    draws = random_draws(seed)
    rows, columns = np.mgrid[:EDGE, :EDGE]
    dot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 1.5**2))
    face = np.repeat(dot.astype(np.uint8)[..., None], 3, axis=2)
    feed, target = sampled(draws, face, face)
    for result, warp in ((feed, True), (target[..., :3], False), (target[..., 3:], False)):
        weights = result[..., 0].astype(float) ** 2
        places = expected_places(draws, WINDOW, EDGE, WINDOW, warp=warp)
        seen = [np.average(place, weights=weights) for place in places]
        # Uneven stretching draws the mean of a warped dot to one side.
        np.testing.assert_allclose(seen, (x, y), atol=0.6 if warp else 0.1)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), times=st.sampled_from([2, 3, 5]))
def test_all_lengths_scale_with_the_face(seed, times):
    """The same draws do the same to a larger face: warp and shift are no numbers of pixels."""
    draws, maps = random_draws(seed), []
    for scale in (1, times):
        edge, window = EDGE * scale, WINDOW * scale
        _, warped = window_nodes(inverse_transforms(draws, edge), draws, edge, window)
        relative = (Sampler.of_window(40, edge, window).maps(warped[0]) + 0.5) / edge
        maps.append(relative)
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-5)


@pytest.mark.parametrize(
    ("size", "other", "times"),
    [
        (64, cv2.INTER_CUBIC, 1.3),
        (50, cv2.INTER_CUBIC, 2.2),
        (64, cv2.INTER_LINEAR, 9),
        (40, cv2.INTER_CUBIC, 1.3),
        (96, cv2.INTER_CUBIC, 0.93),
    ],
)
def test_sampling_suits_the_size(size, other, times):
    """Of a picture three times as fine, moved and averaged: ours is nearer than another kernel."""
    fine = cv2.GaussianBlur(noise(9, 3 * EDGE), (0, 0), 2.5).astype(float)
    fine = np.clip((fine - 127.5) * 4 + 127.5, 0, 255).astype(np.uint8)
    face = cv2.resize(fine, (EDGE, EDGE), interpolation=cv2.INTER_AREA)
    errors = []
    for seed in range(5):
        draws = random_draws(seed)
        x, y = expected_places(draws, 4 * size, EDGE, WINDOW, warp=False)
        truth = interpolated(fine, x * 3 + 1, y * 3 + 1, order=3)
        truth = truth.reshape(size, 4, size, 4, 3).mean(axis=(1, 3))
        x, y = expected_places(draws, size, EDGE, WINDOW, warp=False)
        _, target = sampled(draws, face, face, size)
        alternative = cv2.remap(face, *np.float32([x, y]), other, borderMode=cv2.BORDER_REPLICATE)
        errors.append([np.square(p - truth).mean() for p in (target[..., :3], alternative)])
    ours, theirs = np.mean(errors, axis=0)
    assert ours < theirs / times


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    size=st.sampled_from([20, 32, 50, 64, 80]),
    window=st.sampled_from([WINDOW, EDGE]),
    top=st.integers(0, 90),
    left=st.integers(0, 90),
    edge=st.integers(1, 30),
)
def test_eyes_and_mouth_are_sampled_as_the_face_mask_is(seed, size, window, top, left, edge):
    """Wherever they lie, though no other pixels are looked at for them."""
    masks = np.zeros((EDGE, EDGE, 3), np.uint8)
    spot = smooth(seed % 97, edge)
    masks[top : top + edge, left : left + edge] = spot[: EDGE - top, : EDGE - left, :1]
    draws = random_draws(seed)
    _, target = sampled(draws, noise(1), masks, size, window)
    face, eyes, mouth = np.moveaxis(target[..., 3:].astype(int), -1, 0)
    for other in (eyes, mouth):
        # Places are rounded to 1/32 of a pixel of the face, and of the doubled one.
        assert np.abs(other - face).max() <= 10
        assert np.abs(other - face).mean() <= 0.3


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    size=st.sampled_from([20, 32, 64, 80]),
    edge=st.sampled_from([64, 94]),
)
def test_nothing_outside_the_box_counts(seed, size, edge):
    draws, face = random_draws(seed), noise(seed % 97, edge)
    sampler = Sampler.of_window(size, edge, WINDOW)
    still, warped = window_nodes(inverse_transforms(draws, edge), draws, edge, WINDOW)
    box = sampled_box(edge, sampler.reach, still[0], sampler.maps(warped[0]))
    spoiled = noise(seed % 97 + 1, edge)
    spoiled[box] = face[box]
    whole, part = sampled(draws, face, face, size), sampled(draws, spoiled, face, size, box=box)
    np.testing.assert_array_equal(part[0], whole[0])
    np.testing.assert_array_equal(part[1], whole[1])


def test_a_box_of_places_beyond_the_face_holds_its_edge():
    places = np.array([[-50.0, -40.0], [200.0, 300.0]])
    rows, columns = sampled_box(94, 3, places)
    assert (rows, columns) == (slice(90, 94), slice(0, 4))


def test_no_mask_of_a_former_face_shows():
    copies, sampler = Copies(EDGE), Sampler.of_window(WINDOW, EDGE, WINDOW)
    transform = inverse_transforms(draws_of(), EDGE)[0]
    picture = np.zeros((EDGE, EDGE, 4), np.uint8)
    for value in (255, 0):
        masks = np.full((EDGE, EDGE, 3), value, np.uint8)
        copies.show(picture, masks, (slice(0, EDGE), slice(0, EDGE)))
        result = np.empty((WINDOW, WINDOW, 6), np.uint8)
        sampler.move(copies, transform, result)
        assert (result[..., 3:] == value).all()
