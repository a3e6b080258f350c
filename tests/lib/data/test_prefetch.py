"""The thread that keeps batches ready."""

import threading
import time

import numpy as np
import pytest

from lib.data.batches import Batch
from lib.data.prefetch import Prefetcher


class Counting:
    """Stands in for a side's batches; may fail at an iteration."""

    def __init__(self, fails_at=None, takes=0.0):
        self.made, self.fails_at, self.takes = [], fails_at, takes

    def batch(self, iteration):
        if iteration == self.fails_at:
            raise OSError("no such face")
        time.sleep(self.takes)
        self.made.append(iteration)
        return Batch(np.empty(0, np.uint8), [], np.array([iteration]))


def until(condition):
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def prefetch_threads():
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def test_pairs_come_in_order():
    with Prefetcher(Counting(), Counting(), start=2, step=3) as prefetcher:
        for number in (2, 5, 8):
            assert [batch.indices.tolist() for batch in prefetcher.next()] == [[number]] * 2


def test_no_more_than_three_pairs_are_kept_ready():
    side = Counting()
    with Prefetcher(side, Counting()) as prefetcher:
        until(lambda: len(side.made) == 3)
        time.sleep(0.05)
        assert side.made == [0, 1, 2]
        prefetcher.next()
        until(lambda: len(side.made) == 4)
        time.sleep(0.05)
        assert side.made == [0, 1, 2, 3]


def test_an_error_comes_after_the_pairs_before_it():
    with Prefetcher(Counting(), Counting(fails_at=2)) as prefetcher:
        assert [prefetcher.next()[0].indices[0] for _ in range(2)] == [0, 1]
        for _ in range(2):
            with pytest.raises(OSError, match="no such face"):
                prefetcher.next()
    assert not prefetch_threads()


@pytest.mark.parametrize("takes", [0.0, 0.02])
def test_close_ends_the_thread(takes):
    prefetcher = Prefetcher(Counting(takes=takes), Counting())
    prefetcher.next()
    assert len(prefetch_threads()) == 1
    prefetcher.close()
    assert not prefetch_threads()
    prefetcher.close()
    with pytest.raises(ValueError, match="closed"):
        prefetcher.next()


def test_close_wakes_a_waiting_consumer():
    side, errors = Counting(takes=0.3), []
    prefetcher = Prefetcher(side, Counting())

    def consume():
        try:
            prefetcher.next()
        except ValueError as error:
            errors.append(error)

    consumer = threading.Thread(target=consume)
    consumer.start()
    time.sleep(0.05)
    prefetcher.close()
    consumer.join(5)
    assert len(errors) == 1


def test_waiting_is_measured():
    with Prefetcher(Counting(takes=0.1), Counting()) as prefetcher:
        prefetcher.next()
        first = prefetcher.waited
        assert first > 0.05
        until(lambda: len(prefetcher._ready) == 3)
        prefetcher.next()
        assert prefetcher.waited - first < first
