"""Masks of a face's header: unpacked with care, laid where they belong."""

import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lib.align.header import StoredMask
from lib.align.stored_mask import lay, unpack
from lib.errors import FaceswapError

IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])
NUMBERS = st.floats(-1e6, 1e6)
MATRICES = st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=2, max_size=2)


def store(mask, matrix=IDENTITY):
    matrix = np.asarray(matrix).tolist()
    return StoredMask(zlib.compress(mask.tobytes()), matrix, 2, len(mask), "face")


def similarity(degrees, scale, x, y):
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return np.array([[c, -s, x], [s, c, y]])


def mask_points(crop, affine, size):
    """(size, size) columns and rows in the mask under the crop's pixels, in exact arithmetic."""
    rows, columns = np.mgrid[:size, :size]
    pixels = np.stack([columns, rows], axis=-1) - crop[:, 2]
    frame = np.linalg.solve(crop[:, :2], pixels[..., None])[..., 0]
    points = frame @ affine[:, :2].T + affine[:, 2]
    return points[..., 0], points[..., 1]


def test_masks_are_unpacked_row_by_row():
    mask = np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)
    np.testing.assert_array_equal(unpack(store(mask)), mask)
    np.testing.assert_array_equal(lay(store(mask), IDENTITY, 40), mask)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not 16 by 16 bytes"),
        (b"nonsense", "bytes are damaged"),
        (zlib.compress(bytes(255)), "not 16 by 16 bytes"),
        (zlib.compress(bytes(257)), "not 16 by 16 bytes"),
        (zlib.compress(bytes(range(256)))[:-20], "not 16 by 16 bytes"),
        (zlib.compress(bytes(256))[:-1], "not 16 by 16 bytes"),
        (zlib.compress(bytes(256))[:-1] + b"?", "bytes are damaged"),
    ],
)
def test_damaged_bytes_are_refused(data, reason):
    with pytest.raises(FaceswapError, match=f"has a stored mask .*{reason}"):
        unpack(StoredMask(data, IDENTITY.tolist(), 2, 16, "face"))


def test_a_few_bytes_do_not_fill_the_memory():
    bomb = zlib.compress(bytes(100 << 20), 9)
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(FaceswapError, match="not 128 by 128 bytes"):
            unpack(StoredMask(bomb, IDENTITY.tolist(), 2, 128, "face"))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@settings(max_examples=50, deadline=None)
@given(st.floats(-180, 180), st.floats(-40, 40), st.floats(0.3, 5), st.integers(32, 110))
def test_masks_lie_where_their_matrix_says_to_a_part_of_a_pixel(degrees, turn, scale, size):
    # Steps of 4 tell a place in the mask to an eighth of a pixel; two masks tell both directions.
    ramp = np.tile(np.arange(0, 252, 4, np.uint8), (63, 1))
    affine = similarity(degrees, scale, 0, 0)
    affine[:, 2] = 31 - affine[:, :2] @ (300, 200)
    crop = similarity(turn, size / 50 * scale, 0, 0)
    crop[:, 2] = size / 2 + 0.3 - crop[:, :2] @ (300, 200)
    column, row = mask_points(crop, affine, size)
    clear = np.minimum(np.minimum(column, row), 62 - np.maximum(column, row)) > 6
    assert clear.sum() > 100
    for mask, place in ((ramp, column), (np.ascontiguousarray(ramp.T), row)):
        error = (lay(store(mask, affine), crop, size) - 4 * place)[clear]
        # Grey levels are rounded twice, places to 1/32; half a pixel is 0.9 levels or more.
        assert np.abs(error).max() < 1.3
        assert abs(error.mean()) < 0.45


@pytest.mark.parametrize("fineness", [1 / 3, 1, 1.5, 4])
def test_nothing_lies_outside_the_square_of_the_mask(fineness):
    full = np.full((24, 24), 255, np.uint8)
    crop = similarity(20, 1 / fineness, 0, 0)
    crop[:, 2] = 49.8 - crop[:, :2] @ (11.5, 11.5)
    laid = lay(store(full), crop, 100)
    column, row = mask_points(crop, IDENTITY, 100)
    beyond = np.maximum(np.abs(column - 11.5), np.abs(row - 11.5)) - 12
    margin = max(fineness, 1)
    assert (laid[beyond > margin] == 0).all()
    assert (laid[beyond < -margin] == 255).all()
    assert abs((laid / 255.0).sum() * fineness**2 / 24**2 - 1) < 0.03


def test_a_finer_mask_is_averaged():
    fine = np.indices((512, 512)).sum(axis=0) % 2 * 255
    crop = similarity(0, 1 / 8, 0.2, 0.4)
    laid = lay(store(fine.astype(np.uint8)), crop, 64)
    assert np.abs(laid[2:-2, 2:-2].astype(int) - 128).max() <= 1


@pytest.mark.parametrize(
    "matrix",
    [
        [[0, 0, 0], [0, 0, 0]],
        [[1, 2, 3], [2, 4, 5]],
        [[1, 0, 0], [0, 1e-9, 0]],
        [[1e-300, 0, 0], [0, 1e-300, 0]],
    ],
)
def test_singular_matrices_are_refused(matrix):
    mask = np.full((16, 16), 255, np.uint8)
    with pytest.raises(FaceswapError, match="stored mask whose matrix is singular"):
        lay(store(mask, matrix), IDENTITY, 16)
    if np.any(matrix):
        return
    with pytest.raises(FaceswapError, match="stored mask whose matrix is singular"):
        lay(store(mask), np.array(matrix, float), 16)


@settings(max_examples=300, deadline=None)
@given(MATRICES, st.integers(1, 40), st.integers(32, 64))
def test_any_other_matrix_gives_a_mask(matrix, edge, size):
    (a, b, _), (c, d, _) = matrix
    assume(abs(a * d - b * c) > 1e-5 * (a * a + b * b + c * c + d * d))
    mask = np.full((edge, edge), 255, np.uint8)
    laid = lay(store(mask, matrix), similarity(3, 0.7, 5, 6), size)
    assert (laid.shape, laid.dtype) == ((size, size), np.uint8)
