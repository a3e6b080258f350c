import threading
import time
from collections.abc import Iterator

import pytest

from lib.media.stages import Stage


def doubled(items: Stage[int]) -> Iterator[int]:
    for item in items:
        yield 2 * item


def test_items_come_in_order_through_all_stages() -> None:
    numbers = Stage("numbers", range(50), depth=2)
    twice = Stage("twice", doubled(numbers), depth=3, before=numbers)
    assert list(twice) == list(range(0, 100, 2))
    assert list(twice) == []


def test_an_error_comes_after_the_items_before_it() -> None:
    def fail() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    first = Stage("first", fail())
    second = Stage("second", doubled(first), before=first)
    iterator = iter(second)
    assert next(iterator) == 2
    with pytest.raises(ValueError, match="broken"):
        next(iterator)
    second.close()


def test_stages_work_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=20)

    def two() -> Iterator[int]:
        yield 0
        both.wait()  # times out unless the other stage gets there while this one is at work
        yield 1

    def last_of(items: Stage[int]) -> Iterator[int]:
        iterator = iter(items)
        next(iterator)
        both.wait()
        yield next(iterator)

    first = Stage("first", two())
    assert list(Stage("second", last_of(first), before=first)) == [1]


@pytest.mark.parametrize("takes", [0, 1])
def test_close_ends_stages_that_are_full_or_waiting(takes: int) -> None:
    ended = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            ended.set()

    first = Stage("first", endless(), depth=1)
    second = Stage("second", doubled(first), depth=1, before=first)
    for _, _ in zip(range(takes), second, strict=False):
        pass
    second.close()
    assert ended.is_set()
    assert not any(thread.name in ("first", "second") for thread in threading.enumerate())


def test_waiting_for_the_stage_before_is_no_work() -> None:
    def slow() -> Iterator[int]:
        for item in range(4):
            time.sleep(0.05)
            yield item

    first = Stage("first", slow())
    second = Stage("second", doubled(first), before=first)
    assert list(second) == [0, 2, 4, 6]
    assert first.worked >= 0.2
    assert second.worked < 0.1
