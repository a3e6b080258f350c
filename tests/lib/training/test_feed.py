"""Which batches an iteration gets, and in which order of colours."""

from typing import Any

import numpy as np
import pytest

from lib.data.batches import Batch
from lib.training.distributed import World
from lib.training.feed import Feed, ordered


class Numbered:
    """Batches whose pixels tell their number and their channel; two sizes of target."""

    def batch(self, number: int) -> Batch:
        feed = np.stack([np.full((1, 2, 2), number + channel) for channel in range(3)], axis=-1)
        target = np.concatenate([feed, feed[..., :3] + 100], axis=-1)
        pixels = feed.astype(np.uint8), target.astype(np.uint8)
        return Batch(pixels[0], [pixels[1], pixels[1][:, :1, :1]], np.array([number]))


def numbers(feed: Feed, iterations: int) -> list[list[int]]:
    try:
        return [[int(feeds[0][0, 0, 0, 0]) for feeds, _ in feed.next()] for _ in range(iterations)]
    finally:
        feed.close()


def make(**kwargs: Any) -> Feed:
    return Feed(Numbered(), Numbered(), **kwargs)  # type: ignore[arg-type]


def test_each_iteration_gets_the_next_batch_from_where_a_run_goes_on() -> None:
    assert numbers(make(iteration=7), 3) == [[7], [8], [9]]


def test_an_iteration_of_several_batches_gets_them_in_a_row() -> None:
    assert numbers(make(iteration=2, per_iteration=3), 2) == [[6, 7, 8], [9, 10, 11]]


@pytest.mark.parametrize("per_iteration", [1, 2])
def test_processes_share_the_batches_out_without_gap_or_overlap(per_iteration: int) -> None:
    size, iterations = 3, 2
    taken = [
        numbers(make(iteration=4, per_iteration=per_iteration, world=World(rank, size)), iterations)
        for rank in range(size)
    ]
    for done in range(iterations):
        together = sorted(number for rank in range(size) for number in taken[rank][done])
        first = (4 + done) * per_iteration * size
        assert together == list(range(first, first + per_iteration * size))


def test_feeds_and_targets_of_both_sides_and_all_sizes_come_in_order() -> None:
    feed = make()
    feeds, targets = feed.next()[0]
    feed.close()
    assert [x.shape for x in feeds] == [(1, 2, 2, 3)] * 2
    assert [x.shape for x in targets] == [(1, 2, 2, 6), (1, 1, 1, 6)] * 2


def test_red_first_turns_colours_and_leaves_masks() -> None:
    feed = make(rgb=True)
    feeds, targets = feed.next()[0]
    feed.close()
    assert feeds[0][0, 0, 0].tolist() == [2, 1, 0]
    assert targets[0][0, 0, 0].tolist() == [2, 1, 0, 100, 101, 102]
    pixels = np.arange(6, dtype=np.uint8)
    assert ordered(pixels, rgb=False) is pixels
