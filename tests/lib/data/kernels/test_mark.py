import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.data.kernels.mark import mark

EDGE = 12


def least_box(plane, box):
    """Of what is set within a box, by NumPy; None where there is nothing."""
    inside = np.zeros_like(plane)
    inside[box[0] : box[1], box[2] : box[3]] = plane[box[0] : box[1], box[2] : box[3]]
    places = np.nonzero(inside)
    if not places[0].size:
        return None
    return [end for axis in places for end in (axis.min(), axis.max() + 1)]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 999), spots=st.integers(0, 4), data=st.data())
def test_the_face_joins_its_picture_and_the_others_are_found(seed, spots, data):
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (EDGE, EDGE, 4), np.uint8)
    masks = np.zeros((EDGE, EDGE, 3), np.uint8)
    masks[..., 0] = rng.integers(0, 256, (EDGE, EDGE))
    for plane in (1, 2):
        masks[rng.integers(0, EDGE, spots), rng.integers(0, EDGE, spots), plane] = 7
    spans = st.tuples(st.integers(0, EDGE - 1), st.integers(1, EDGE)).filter(lambda s: s[0] < s[1])
    box = data.draw(spans) + data.draw(spans)
    joined, found = picture.copy(), np.full((2, 4), -3)
    mark(joined.view(np.uint32)[..., 0], masks.reshape(EDGE, -1), box, found)

    wanted = picture.copy()
    part = np.s_[box[0] : box[1], box[2] : box[3]]
    wanted[part][..., 3] = masks[part][..., 0]
    np.testing.assert_array_equal(joined, wanted)
    for ends, plane in zip(found.tolist(), (1, 2), strict=True):
        least = least_box(masks[..., plane], box)
        assert (ends == least) if least else ends[0] >= ends[1]
