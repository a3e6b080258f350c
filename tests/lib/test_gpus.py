"""Leaving graphics cards out, told by what CUDA would see."""

import os
import threading

import pytest
import torch

from lib.checkpoint.writer import Writer
from lib.data.prefetch import Prefetcher
from lib.errors import FaceswapError
from lib.gpus import exclude, take_own


@pytest.fixture(autouse=True)
def _not_excluded_yet(monkeypatch) -> None:
    # Set first, so that what a test leaves goes with it.
    monkeypatch.setenv("FACESWAP_GPUS_EXCLUDED", "1")
    monkeypatch.delenv("FACESWAP_GPUS_EXCLUDED")


def test_a_process_started_with_the_same_words_excludes_no_more(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    exclude([0])
    exclude([0])
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1,2"


@pytest.mark.parametrize(
    ("visible", "excluded", "left"),
    [
        (None, [0], "1,2"),
        (None, [0, 2], "1"),
        (None, [0, 1, 2], "-1"),
        ("5,GPU-8f3a,7", [1], "5,7"),
    ],
)
def test_the_cards_left_are_named(monkeypatch, visible, excluded, left) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    exclude(excluded)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == left


def test_none_excluded_changes_nothing(monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    exclude([])
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"


@pytest.mark.parametrize(
    ("count", "words"), [(0, "no GPU is to be seen"), (2, "they are numbered 0 to 1")]
)
def test_a_card_that_is_not_there_is_a_mistake(monkeypatch, count, words) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "kept")
    with pytest.raises(FaceswapError, match=f"--exclude-gpus 2: there is no such GPU, {words}"):
        exclude([2])
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "kept"


@pytest.fixture
def taken(monkeypatch) -> list[tuple[str, int]]:
    """In a process of several, each with a card: which thread takes which card."""
    found = []

    def take(card: int) -> None:
        found.append((threading.current_thread().name, card))

    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setenv("KERAS_TORCH_DEVICE", "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", take)
    return found


def test_each_process_takes_its_own_card(taken) -> None:
    take_own()
    assert taken == [("MainThread", 2)]
    assert os.environ["KERAS_TORCH_DEVICE"] == "cuda:2"


@pytest.mark.parametrize("is_launched", [False, True])
def test_without_a_card_of_its_own_a_process_takes_none(monkeypatch, taken, is_launched) -> None:
    if is_launched:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    else:
        monkeypatch.delenv("LOCAL_RANK")
    take_own()
    assert not taken
    assert os.environ["KERAS_TORCH_DEVICE"] == "cpu"


class Looking:
    """Stands in for a side's batches: notes what has been taken before it makes one."""

    def __init__(self, taken: list[tuple[str, int]]) -> None:
        self.taken = taken

    def batch(self, _: int) -> list[tuple[str, int]]:
        return list(self.taken)


def test_threads_take_the_card_before_they_work(taken) -> None:
    with Prefetcher(Looking(taken), Looking(taken)) as prefetcher:
        assert prefetcher.next() == ([("prefetch", 2)], [("prefetch", 2)])
    writer, seen = Writer("saving"), []
    writer.start(lambda: seen.append(taken[-1]))
    writer.wait()
    assert seen == [("saving", 2)]
