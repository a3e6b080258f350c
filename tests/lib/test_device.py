"""Pixels on their way to the device."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from lib import device as place
from lib.device import describe, device, pinned, to_device, upload


def test_bytes_become_floats_from_0_to_1() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    floats = to_device(pixels)
    assert float(floats.min()) == 0
    assert float(floats.max()) == 1
    np.testing.assert_array_equal(np.rint(floats.cpu().numpy() * 255), pixels)


def test_bytes_that_are_on_the_device_stay_there_and_become_floats() -> None:
    pixels = torch.arange(256, dtype=torch.uint8, device=device())
    floats = to_device(pixels)
    assert torch.equal(floats, to_device(np.arange(256, dtype=np.uint8)))
    assert pixels.tolist() == list(range(256))
    before = floats.clone()
    assert torch.equal(to_device(floats), before)


@dataclass(frozen=True, eq=False)
class Inner:
    numbers: Tensor
    name: str


@dataclass(frozen=True, eq=False)
class Outer:
    pixels: Tensor
    inner: Inner | None


def held() -> Outer:
    return Outer(torch.arange(3), Inner(torch.arange(4.0), "four"))


def test_tensors_are_uploaded_wherever_they_are_held() -> None:
    there = upload(pinned(held()))
    assert there.pixels.tolist() == [0, 1, 2]
    assert there.inner.numbers.tolist() == [0, 1, 2, 3]
    assert {there.pixels.device, there.inner.numbers.device} == {device()}
    assert there.inner.name == "four"
    assert upload(Outer(torch.arange(3), None)).inner is None


def test_on_a_card_all_tensors_are_pinned_and_nothing_else_is(monkeypatch) -> None:
    seen = []

    def pin(tensor: Tensor) -> Tensor:
        seen.append(tensor.tolist())
        return tensor

    monkeypatch.setattr(place, "is_cuda", lambda: True)
    monkeypatch.setattr(Tensor, "pin_memory", pin)
    assert pinned(held()).inner.name == "four"
    assert seen == [[0, 1, 2], [0, 1, 2, 3]]


class Stream:
    """Stands in for a stream; notes what is told to it."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name, self.told = name, told

    def __enter__(self) -> None:
        self.told.append(f"begin {self.name}")

    def __exit__(self, *_: object) -> None:
        self.told.append(f"end {self.name}")

    def wait_stream(self, other: "Stream") -> None:
        self.told.append(f"{self.name} waits for {other.name}")


def test_on_a_card_copies_have_a_stream_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    card = SimpleNamespace(
        Stream=lambda _: Stream("copying", told),
        current_stream=lambda _: Stream("computing", told),
        stream=lambda stream: stream,
    )

    def move(tensor: Tensor, device: torch.device, non_blocking: bool) -> Tensor:
        told.append(f"copy {len(tensor)} {non_blocking}")
        return tensor

    monkeypatch.setattr(place, "is_cuda", lambda: True)
    monkeypatch.setattr(place.torch, "cuda", card)
    monkeypatch.setattr(Tensor, "to", move)
    monkeypatch.setattr(
        Tensor, "record_stream", lambda x, stream: told.append(f"{len(x)} for {stream.name}")
    )
    place._copying.cache_clear()
    upload(held())
    place._copying.cache_clear()
    assert told == [
        "begin copying",
        "copy 3 True",
        "copy 4 True",
        "end copying",
        "computing waits for copying",
        "3 for computing",
        "4 for computing",
    ]


def test_the_device_is_named_in_words() -> None:
    assert describe() in ("1 CPU thread", f"{torch.get_num_threads()} CPU threads")


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="the processor's flags are not told")
def test_units_for_bfloat16_are_those_of_the_processor() -> None:
    flags = Path("/proc/cpuinfo").read_text().split()
    assert place.has_bfloat16_units() == bool({"avx512_bf16", "amx_bf16"} & set(flags))
