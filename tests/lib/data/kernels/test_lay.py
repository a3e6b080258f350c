import numpy as np

from lib.data.kernels.lay import lay


def test_each_pixel_gets_its_masks():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (9, 9, 4), np.uint8)
    masks = rng.integers(0, 256, (9, 9, 3), np.uint8)
    result = np.zeros((9, 9, 6), np.uint8)
    lay(picture.view(np.uint32).ravel(), masks.ravel(), result.view(np.uint16).ravel())
    np.testing.assert_array_equal(result, np.concatenate([picture, masks[..., 1:]], axis=-1))
