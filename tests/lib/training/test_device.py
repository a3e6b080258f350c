"""Pixels on their way to the device and back."""

import numpy as np
import torch

from lib.training.device import describe, to_device, to_pixels


def test_pixels_go_to_the_device_and_back_unchanged() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    floats = to_device(pixels)
    assert float(floats.min()) == 0
    assert float(floats.max()) == 1
    np.testing.assert_array_equal(to_pixels(floats), pixels)


def test_the_device_is_named_in_words() -> None:
    assert describe() in ("1 CPU thread", f"{torch.get_num_threads()} CPU threads")
