"""Where the computing happens, and how pixels get there."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import keras
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Pixels = NDArray[np.uint8] | Tensor
"""Bytes: an array, or a tensor that is on the device already."""

Holder = TypeVar("Holder", bound="DataclassInstance")


@lru_cache(maxsize=1)
def device() -> torch.device:
    """The device that Keras chose for its weights."""
    chosen: torch.device = keras.ops.zeros(()).device
    return chosen


def to_device(pixels: Pixels) -> Tensor:
    """Move pixels to the device as bytes, and make them floats in 0..1 there.

    A tensor of floats is taken to be just that, and stays as it is.
    """
    tensor = pixels if isinstance(pixels, Tensor) else torch.from_numpy(pixels)
    if tensor.is_floating_point():
        return tensor
    return tensor.to(device(), non_blocking=True).to(torch.float32).div_(255)


def is_cuda() -> bool:
    """Whether the device is a graphics card of NVIDIA, or one of AMD under ROCm."""
    return device().type == "cuda"


def pinned(tensors: Holder) -> Holder:
    """Copy to memory that the device can read by itself while the host goes on.

    PyTorch gives such memory out anew only once the copies from it are done.

    Parameters
    ----------
    tensors
        A dataclass that holds some, in the host's memory, or holds such dataclasses.
    """
    return _changed(tensors, Tensor.pin_memory) if is_cuda() else tensors


def upload(tensors: Holder) -> Holder:
    """Copy what is `pinned` to the device, while that goes on computing what it was told before.

    Parameters
    ----------
    tensors
        As for `pinned`.
    """
    if not is_cuda():
        return _changed(tensors, partial(Tensor.to, device=device()))
    computing = torch.cuda.current_stream(device())
    with torch.cuda.stream(_copying()):
        there = _changed(tensors, partial(Tensor.to, device=device(), non_blocking=True))
    computing.wait_stream(_copying())
    # Else the memory might be given to the next copy while it is still being computed with.
    return _changed(there, partial(_used_by, computing))


@lru_cache(maxsize=1)
def _copying() -> torch.cuda.Stream:
    stream: torch.cuda.Stream = torch.cuda.Stream(device())  # type: ignore[no-untyped-call]
    return stream


def _used_by(stream: torch.cuda.Stream, tensor: Tensor) -> Tensor:
    tensor.record_stream(stream)
    return tensor


def _changed(held: Holder, change: Callable[[Tensor], Tensor]) -> Holder:
    """A dataclass with its tensors, and those of dataclasses in it, changed; the rest as it is."""

    def part(value: Any) -> Any:
        if isinstance(value, Tensor):
            return change(value)
        is_held = is_dataclass(value) and not isinstance(value, type)
        return _changed(value, change) if is_held else value

    return replace(held, **{each.name: part(getattr(held, each.name)) for each in fields(held)})


def describe() -> str:
    """Name the device in words, such as ``2 CPU threads``."""
    if device().type == "cuda":
        return torch.cuda.get_device_name(device())
    if device().type == "cpu":
        count = torch.get_num_threads()
        return f"{count} CPU thread{'s' * (count != 1)}"
    return str(device()).upper()


def has_bfloat16_units() -> bool:
    """Whether the device computes in bfloat16 by itself, and so faster than in float32."""
    if is_cuda():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # PyTorch has no public name for it that all of its versions know.
    asks = [
        getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile")
    ]
    return device().type == "cpu" and any(bool(ask()) for ask in asks if ask is not None)
