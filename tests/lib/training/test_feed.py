"""Which batches an iteration gets, and in which order of colours."""

from typing import Any

import numpy as np
import pytest
import torch

from lib.data.augment import Augmentation
from lib.data.batches import Batch, Batches
from lib.data.faceset import FaceSet
from lib.data.plan import Planner
from lib.errors import FaceswapError
from lib.training import augment
from lib.training.augment import DeviceBatches
from lib.training.distributed import World
from lib.training.feed import Feed, ordered
from lib.training.room import Room


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
    def numbered(_: str) -> Any:
        return Numbered()

    return Feed(numbered, {"a": [], "b": []}, **kwargs)


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
    for channels in (3, 6):
        tensor = torch.arange(2 * channels, dtype=torch.uint8).view(2, channels)
        assert ordered(tensor, rgb=False) is tensor
        wanted = ordered(tensor.numpy(), rgb=True)
        np.testing.assert_array_equal(ordered(tensor, rgb=True), wanted)


COUNTS = {"a": 7, "b": 5}


def real_feed(kind: type = Batches, room: Room | None = None, **kwargs: Any) -> Feed:
    """Batches of three faces that are changed in every way, of seven files of A and five of B."""
    faces, given = {}, () if kind is Batches else (room or Room(3),)
    for side, count in COUNTS.items():
        rng = np.random.default_rng(ord(side))
        images, masks = (rng.integers(0, 256, (count, 32, 32, 3), np.uint8) for _ in range(2))
        paths = tuple(f"{side}{index}.png" for index in range(count))
        faces[side] = FaceSet(paths, images, masks, np.zeros((count, 68, 2), np.float32))

    def batches(side: str) -> Any:
        return kind(Planner(faces[side], 16, [16, 8], 0.75, Augmentation(), 3, 0, side), *given)

    return Feed(batches, {side: faces[side].paths for side in "ab"}, **kwargs)


def assert_same(one: Any, other: Any) -> None:
    for sides, others in zip(one, other, strict=True):
        for kind, other_kind in zip(sides, others, strict=True):
            for pixels, other_pixels in zip(kind, other_kind, strict=True):
                np.testing.assert_array_equal(pixels, other_pixels)


@pytest.mark.parametrize("kind", [Batches, DeviceBatches])
@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("per_iteration", [1, 3])
def test_an_iteration_is_made_again_to_the_byte(per_iteration: int, rank: int, kind: type) -> None:
    options = {"per_iteration": per_iteration, "rgb": True, "world": World(rank, 2), "kind": kind}
    feed, still = real_feed(iteration=2, **options), real_feed(iteration=2, **options)
    given = {iteration: feed.next() for iteration in range(2, 7)}
    for iteration in (2, 6, 4):
        sides, files = feed.again(iteration)
        assert_same(sides, given[iteration])
        assert {side: len(names) for side, names in files.items()} == dict.fromkeys(
            "ab", 3 * per_iteration
        )
    # What comes next is what would have come.
    for _ in range(5):
        still.next()
    assert_same(feed.next(), still.next())
    feed.close()
    still.close()


class Full:
    """Has room for so many faces at a time, and notes how many it is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.asked: list[int] = []
        upload = augment.upload

        def limited(numbers: Any) -> Any:
            self.asked.append(len(numbers.images))
            if self.asked[-1] > room:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return upload(numbers)

        monkeypatch.setattr(augment, "upload", limited)


def test_where_memory_runs_out_the_device_makes_fewer_faces_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feeds = [real_feed(DeviceBatches, rgb=True) for _ in range(2)]
    wanted = [feeds[0].next() for _ in range(5)]
    device = Full(monkeypatch, 2)
    for iteration in range(5):
        assert_same(feeds[1].next(), wanted[iteration])
    # Three pairs at most were staged before.
    assert device.asked.count(3) <= 2 * 4
    assert device.asked[-4:] == [2, 1, 2, 1]
    for feed in feeds:
        feed.close()


def test_feeds_of_a_run_and_both_sides_share_what_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(3)
    feeds = [real_feed(DeviceBatches), real_feed(DeviceBatches, room)]
    wanted = feeds[0].next()
    device = Full(monkeypatch, 2)
    assert_same(feeds[1].next(), wanted)
    device.asked.clear()
    assert_same(feeds[1].again(0)[0], wanted)
    feeds.append(real_feed(DeviceBatches, room))
    assert_same(feeds[2].next(), wanted)
    assert device.asked == [2, 1, 2, 1] * 2
    assert [record.args for record in caplog.records] == [(2,)]
    for feed in feeds:
        feed.close()


def test_where_no_face_fits_the_user_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = real_feed(DeviceBatches)
    Full(monkeypatch, 0)
    with pytest.raises(FaceswapError, match="out of memory in the making of a batch"):
        feed.next()
    feed.close()


def test_files_are_told_where_the_batches_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = real_feed(DeviceBatches)
    Full(monkeypatch, 2)
    sides, files = feed.again(3)
    assert {side: len(names) for side, names in files.items()} == {"a": 3, "b": 3}
    with pytest.raises(torch.OutOfMemoryError):
        next(sides)
    feed.close()


@pytest.mark.parametrize("kind", [Batches, DeviceBatches])
def test_no_batch_is_made_again_before_it_is_taken(
    kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what has memory run out in it is what takes them."""

    def full(*_: Any) -> Any:
        raise MemoryError

    feed = real_feed(kind, per_iteration=2)
    feed.close()
    monkeypatch.setattr(kind, "batch", full)
    sides, files = feed.again(1)
    assert {side: len(names) for side, names in files.items()} == {"a": 6, "b": 6}
    with pytest.raises(MemoryError):
        next(sides)


def test_what_the_device_makes_comes_in_the_same_order_and_form() -> None:
    feeds = real_feed(rgb=True), real_feed(DeviceBatches, rgb=True)
    for _ in range(3):
        (made,), (wanted,) = feeds[1].next(), feeds[0].next()
        for kind, other_kind in zip(made, wanted, strict=True):
            for tensor, array in zip(kind, other_kind, strict=True):
                assert isinstance(tensor, torch.Tensor)
                assert tensor.shape == array.shape
                assert np.abs(tensor.numpy().astype(int) - array).mean() < 8
    names = [feed.again(2)[1] for feed in feeds]
    assert names[0] == names[1]
    for feed in feeds:
        feed.close()


def test_the_files_are_those_of_the_batches_in_order() -> None:
    size, per_iteration = 2, 2
    feeds = [real_feed(per_iteration=per_iteration, world=World(r, size)) for r in range(size)]
    parts = [feed.again(iteration)[1] for iteration in range(7) for feed in feeds]
    for feed in feeds:
        feed.close()
    for side, count in COUNTS.items():
        # Two processes take batches in turn: 0 and 2 are the first one's, 1 and 3 the other's.
        batches = {
            4 * (index // size) + index % size + size * nth: files[side][3 * nth : 3 * nth + 3]
            for index, files in enumerate(parts)
            for nth in range(per_iteration)
        }
        row = [name for number in sorted(batches) for name in batches[number]]
        everything = sorted(f"{side}{index}.png" for index in range(count))
        # Each epoch shows every face once.
        for start in range(0, len(row) - count + 1, count):
            assert sorted(row[start : start + count]) == everything


def test_batches_of_a_face_of_one_colour_tell_which_file_they_are_of() -> None:
    images = np.stack([np.full((32, 32, 3), 20 * index, np.uint8) for index in range(6)])
    still = Augmentation(
        zoom_amount=0, rotation_range=0, shift_range=0, flip=False, colour=False, warp=False
    )
    paths = tuple(f"{index}.png" for index in range(6))
    faces = FaceSet(paths, images, images, np.zeros((6, 68, 2), np.float32))

    def batches(side: str) -> Batches:
        return Batches(Planner(faces, 16, [16], 0.75, still, 4, 0, side))

    feed = Feed(batches, {"a": paths, "b": paths}, per_iteration=2)
    again, files = feed.again(5)
    sides = list(again)
    feed.close()
    for index, side in enumerate("ab"):
        shown = [int(face[8, 8, 0]) for feeds, _ in sides for face in feeds[index]]
        assert [f"{value // 20}.png" for value in shown] == files[side]
