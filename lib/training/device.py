"""Where the computing happens, and how pixels get there."""

from functools import lru_cache

import keras
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@lru_cache(maxsize=1)
def device() -> torch.device:
    """The device that Keras chose for its weights."""
    chosen: torch.device = keras.ops.zeros(()).device
    return chosen


def to_device(pixels: NDArray[np.uint8]) -> Tensor:
    """Move pixels to the device as bytes, and make them floats in 0..1 there."""
    tensor = torch.from_numpy(pixels).to(device(), non_blocking=True)
    return tensor.to(torch.float32).div_(255)


def to_pixels(prediction: Tensor) -> NDArray[np.uint8]:
    """Read floats in 0..1 back as bytes, rounded."""
    scaled = prediction.detach().mul(255).round_().clamp_(0, 255)
    pixels: NDArray[np.uint8] = scaled.to(torch.uint8).cpu().numpy()
    return pixels


def describe() -> str:
    """Name the device in words, such as ``2 CPU threads``."""
    if device().type == "cuda":
        return torch.cuda.get_device_name(device())
    if device().type == "cpu":
        count = torch.get_num_threads()
        return f"{count} CPU thread{'s' * (count != 1)}"
    return str(device()).upper()
