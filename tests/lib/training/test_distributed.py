"""What a process knows of the others; several at work are in ``tests/e2e/test_distributed.py``."""

import pytest

from lib.training import distributed
from lib.training.distributed import World


def test_alone_a_process_is_the_first_and_its_word_counts() -> None:
    assert World().is_first
    assert World().agree(True)
    assert not World().agree(False)


def test_the_second_of_two_is_not_the_first() -> None:
    assert not World(1, 2).is_first


def test_only_torchrun_makes_a_process_one_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert not distributed.is_launched()
    assert distributed.join() == World()
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert distributed.is_launched()
