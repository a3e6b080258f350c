import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import correlate1d, distance_transform_edt, gaussian_filter
from scipy.spatial import ConvexHull

from lib.align import masks
from lib.align.tables import MEAN_FACE_51

LEFT_FACE, RIGHT_FACE = [*range(0, 9), 17], [*range(8, 17), 26]
NOSE = [27, 31, 32, 33, 34, 35]
FACE = [
    LEFT_FACE,
    RIGHT_FACE,
    [17, 18, 19, 8],
    [24, 25, 26, 8],
    [19, 20, 21, 22, 23, 24, 8],
    [17, 18, 19, 20, 21, *NOSE, 8],
    [22, 23, 24, 25, 26, *NOSE, 8],
    [27, 28, 29, 30, 31, 32, 33, 34, 35],
]
EYES = [[*range(36, 42)], [*range(42, 48)]]
MOUTH = [[*range(48, 60)]]


def make_landmarks(size):
    angle = np.linspace(np.pi, 0, 17)
    jaw = np.column_stack([0.5 + 0.6 * np.cos(angle), 0.2 + np.sin(angle)])
    return np.vstack([jaw, MEAN_FACE_51]) * size * 0.5 + size * 0.25


def outside_distance(landmarks, parts, size):
    """(size, size) distance to the nearest hull, in pixels; negative inside."""
    rows, columns = np.mgrid[:size, :size]
    pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    hulls = [ConvexHull(landmarks[part]).equations for part in parts]
    return np.min([(pixels @ hull.T).max(axis=-1) for hull in hulls], axis=0)


def lift_brows(landmarks):
    """The brows of `extended`, point by point."""
    lifted, p = landmarks.copy(), landmarks
    outer = {17: (p[36] + (p[36] + p[0]) / 2) / 2, 26: (p[45] + (p[16] + p[45]) / 2) / 2}
    below = {18: 36, 19: 37, 20: 38, 21: 39, 22: 42, 23: 43, 24: 44, 25: 45}
    for brow in range(17, 27):
        base = outer[brow] if brow in outer else p[below[brow]]
        lifted[brow] = p[brow] + (p[brow] - base) / 2
    return lifted


@pytest.mark.parametrize("size", [64, 94, 256])
@pytest.mark.parametrize(
    ("draw", "parts", "move"),
    [
        (masks.components, FACE, np.copy),
        (masks.extended, FACE, lift_brows),
        (masks.eyes, EYES, np.copy),
        (masks.mouth, MOUTH, np.copy),
    ],
)
def test_masks_fill_the_hulls(draw, parts, move, size):
    landmarks = make_landmarks(size)
    before = landmarks.copy()
    mask = draw(landmarks, size)
    distance = outside_distance(move(landmarks), parts, size)
    assert mask.shape == (size, size)
    assert mask.dtype == np.uint8
    # Rounding the points moves an outline by up to 0.71 pixels, drawing it by half a pixel more.
    assert (mask[distance < -1.25] == 255).all()
    assert (mask[distance > 1.25] == 0).all()
    assert 0 < (np.abs(distance) <= 1.25).mean() < 0.2
    np.testing.assert_array_equal(landmarks, before)


def test_extended_reaches_higher_than_components():
    landmarks = make_landmarks(128)
    face, more = masks.components(landmarks, 128), masks.extended(landmarks, 128)
    assert (more >= face).all()
    assert np.nonzero(more.any(axis=1))[0][0] < np.nonzero(face.any(axis=1))[0][0]


def test_points_far_outside_are_drawn_all_the_same():
    landmarks = make_landmarks(64)
    landmarks[0] = (-1e9, 20)
    mask = masks.components(landmarks, 64)
    assert (mask[20:40, 0] == 255).any()


@pytest.mark.parametrize("threshold", [1, 4, 20, 49])
def test_threshold_stretches_the_middle(threshold):
    mask = np.arange(256, dtype=np.uint8).reshape(16, 16)
    refined = masks.refine(mask, 0, threshold).ravel().astype(int)
    per_cent = np.arange(256) / 2.55
    assert (refined[per_cent < threshold] == 0).all()
    assert (refined[per_cent > 100 - threshold] == 255).all()
    expected = np.interp(per_cent, [threshold, 100 - threshold], [0, 255])
    assert np.abs(refined - expected).max() <= 0.51


def test_threshold_of_a_half_is_a_step():
    mask = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(masks.refine(mask, 0, 50), np.where(mask < 127.5, 0, 255))


def test_no_blur_and_no_threshold_change_nothing():
    mask = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(masks.refine(mask, 0, 0), mask)


@pytest.mark.parametrize(("size", "kernel", "edge"), [(128, 5, 5), (256, 3, 7), (192, 3, 5)])
def test_blur_is_a_gaussian_that_scales_with_the_mask(size, kernel, edge):
    mask = masks.components(make_landmarks(size), size)
    sigma = 0.3 * ((edge - 1) / 2 - 1) + 0.8
    radius = (edge - 1) // 2
    expected = gaussian_filter(mask.astype(float), sigma, mode="mirror", radius=radius)
    # OpenCV rounds its kernel to 8 bits, and has tables of its own up to 7 pixels.
    assert np.abs(masks.refine(mask, kernel, 0) - expected).max() < 5


@given(st.integers(0, 9), st.integers(16, 256))
def test_blur_kernel_is_the_nearest_odd_number(kernel, size):
    scaled = kernel * size / 128
    edge = min(range(1, 101, 2), key=lambda odd: (abs(odd - scaled), -odd))
    mask = np.zeros((size, size), np.uint8)
    mask[size // 2] = 255
    spread = np.nonzero(masks.refine(mask, kernel, 0)[:, 0])[0]
    # The outermost weight of a kernel of 1 to 19 pixels is above half a level of 255.
    assert len(spread) == edge


def test_the_widest_blur_is_that_of_a_gaussian_of_nine_pixels():
    mask = masks.extended(make_landmarks(128), 128)
    sigma = 0.3 * ((9 - 1) * 0.5 - 1) + 0.8
    weights = np.exp(-(np.arange(-4, 5) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    across = correlate1d(mask.astype(np.float64), weights, axis=1, mode="mirror")
    expected = correlate1d(across, weights, axis=0, mode="mirror")
    # OpenCV rounds the weights to 8 bits, in both directions.
    assert np.abs(masks.refine(mask, 9, 0) - expected).max() < 1.5


def test_blur_comes_after_the_threshold():
    mask = masks.components(make_landmarks(128), 128)
    refined = masks.refine(mask, 9, 50)
    assert len(np.unique(refined)) > 10


@pytest.mark.parametrize("size", [64, 94, 256])
@pytest.mark.parametrize("per_cent", [0.6, 1, 2.5, 5])
def test_dilation_moves_the_outline_by_its_share_of_the_edge(size, per_cent):
    mask = masks.components(make_landmarks(size), size)
    before = mask.copy()
    radius = np.floor(size * per_cent / 100 + 0.5)
    outside, inside = distance_transform_edt(mask == 0), distance_transform_edt(mask)
    larger, smaller = masks.dilate(mask, per_cent), masks.dilate(mask, -per_cent)
    # A disc of whole pixels differs from a circle by up to half a pixel.
    assert (larger[outside <= radius - 0.5] == 255).all()
    assert (larger[outside > radius + 0.5] == 0).all()
    assert (smaller[inside <= radius - 0.5] == 0).all()
    assert (smaller[inside > radius + 0.5] == 255).all()
    assert larger.dtype == smaller.dtype == np.uint8
    np.testing.assert_array_equal(mask, before)


@pytest.mark.parametrize("per_cent", [0, 0.4, -0.4])
def test_dilation_below_half_a_pixel_changes_nothing(per_cent):
    mask = np.random.default_rng(0).integers(0, 256, (100, 100), np.uint8)
    np.testing.assert_array_equal(masks.dilate(mask, per_cent), mask)


def test_erosion_leaves_the_border_of_the_crop():
    full = np.full((64, 64), 255, np.uint8)
    assert (masks.dilate(full, -5) == 255).all()


@pytest.mark.parametrize("per_cent", [-3, 3])
def test_dilation_and_threshold_can_change_places(per_cent):
    mask = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    one = masks.refine(masks.dilate(mask, per_cent), 0, 20)
    np.testing.assert_array_equal(one, masks.dilate(masks.refine(mask, 0, 20), per_cent))
