import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from lib.data.kernels.lay import lay

SIZE, EDGE = 11, 17


def laid(picture, masks, found, places):
    result = np.full((SIZE, SIZE, 6), 99, np.uint8)
    words, pairs = picture.view(np.uint32)[..., 0], result.view(np.uint16).reshape(SIZE, -1)
    lay(words, masks.reshape(EDGE, -1), np.array(found), places, pairs)
    return result


def least_box(plane):
    rows, columns = np.nonzero(plane)
    return [rows.min(), rows.max() + 1, columns.min(), columns.max() + 1]


spans = st.tuples(st.integers(0, EDGE - 1), st.integers(1, EDGE)).filter(lambda s: s[0] < s[1])


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 999),
    boxes=st.tuples(st.tuples(spans, spans), st.tuples(spans, spans)),
    angle=st.floats(-3.2, 3.2),
    scale=st.floats(0.3, 3),
    shift=st.tuples(st.floats(-30, 30), st.floats(-30, 30)),
    mirror=st.sampled_from([-1, 1]),
)
def test_eyes_and_mouth_are_sampled_linearly(seed, boxes, angle, scale, shift, mirror):
    """Wherever they lie, and however the face is moved: SciPy is the judge."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (SIZE, SIZE, 4), np.uint8)
    masks = np.zeros((EDGE, EDGE, 3), np.uint8)
    for plane, (rows, columns) in enumerate(boxes, 1):
        spot = masks[slice(*rows), slice(*columns), plane]
        spot[:] = rng.integers(1, 256, spot.shape)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    places = np.array([[mirror * cos, -sin, shift[0]], [mirror * sin, cos, shift[1]]])

    result = laid(picture, masks, [least_box(masks[..., k]) for k in (1, 2)], places)
    np.testing.assert_array_equal(result[..., :4], picture)
    y, x = np.mgrid[:SIZE, :SIZE]
    at = np.einsum("ij,jrc->irc", places, np.stack([x, y, np.ones_like(x)]))
    for plane in (1, 2):
        mask = masks[..., plane].astype(float)
        wanted = map_coordinates(mask, at[::-1], order=1, mode="nearest")
        assert np.abs(result[..., 3 + plane] - wanted).max() < 0.51


def test_who_is_not_seen_leaves_nothing():
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    masks = np.full((EDGE, EDGE, 3), 255, np.uint8)
    whole, none = [0, EDGE, 0, EDGE], [EDGE, 0, EDGE, 0]
    result = laid(picture, masks, [none, whole], np.eye(2, 3))
    assert not result[..., 4].any()
    assert (result[..., 5] == 255).all()
