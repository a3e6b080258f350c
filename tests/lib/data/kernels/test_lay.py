import numpy as np

from lib.data.kernels.lay import lay


def test_each_pixel_gets_its_masks():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (9, 9, 4), np.uint8)
    masks = rng.integers(0, 256, (9, 9, 4), np.uint8)
    result = np.zeros((9, 9, 6), np.uint8)
    words = [pixels.view(np.uint32).ravel() for pixels in (picture, masks)]
    lay(*words, result.view(np.uint16).ravel())
    wanted = np.concatenate([picture[..., :3], masks[..., :3]], axis=-1)
    np.testing.assert_array_equal(result, wanted)
