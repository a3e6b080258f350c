"""Batches made by the device, against those that the processor makes of the same plan."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates
from torch.utils._python_dispatch import TorchDispatchMode

from lib.data.augment import Augmentation
from lib.data.batches import Batch, Batches
from lib.data.faceset import Cut, FaceSet, load_faces
from lib.data.landmark_warp import relative_landmarks
from lib.data.plan import Plan, Planner
from lib.errors import FaceswapError
from lib.training import augment
from lib.training.augment import DeviceBatch, DeviceBatches
from lib.training.room import Room

EDGE, COVERAGE = 94, 0.6875
STILL = Augmentation(
    zoom_amount=0, rotation_range=0, shift_range=0, flip=False, colour=False, warp=False
)
COLOURLESS, UNEQUALISED = Augmentation(colour=False), Augmentation(color_clahe_chance=0)


def noise(count: int, edge: int = EDGE, seed: int = 0) -> FaceSet:
    """Faces in which no two pixels are alike, with landmarks about their middle."""
    rng = np.random.default_rng(seed)
    images, masks = (rng.integers(0, 256, (count, edge, edge, 3), np.uint8) for _ in range(2))
    points = edge / 2 + edge / 5 * np.random.default_rng(9).uniform(-1, 1, (68, 2))
    landmarks = points + rng.normal(0, edge / 94, (count, 68, 2))
    paths = tuple(f"{index}.png" for index in range(count))
    return FaceSet(paths, images, masks, landmarks.astype(np.float32))


def soft(count: int, edge: int = EDGE, seed: int = 0) -> FaceSet:
    """Faces that change so slowly that a 32nd of a pixel does not show."""

    def enlarged(coarse: np.ndarray) -> np.ndarray:
        size = (edge, edge)
        return np.stack([cv2.resize(each, size, interpolation=cv2.INTER_CUBIC) for each in coarse])

    rng = np.random.default_rng(seed)
    images, masks = (enlarged(rng.integers(60, 190, (count, 5, 5, 3), np.uint8)) for _ in "im")
    return replace(noise(count, edge, seed), images=images, masks=masks)


def planner_of(faces: FaceSet, augmentation: Augmentation, **changes: Any) -> Planner:
    given = {"input_size": 64, "target_sizes": [64], "coverage": COVERAGE, "side": "a"}
    given |= {"batch_size": len(faces), "seed": 0}
    return Planner(faces, augmentation=augmentation, **given | changes)


def device_batches(planner: Planner) -> DeviceBatches:
    return DeviceBatches(planner, Room(planner.batch_size))


def both(planner: Planner, number: int = 0) -> tuple[Batch, DeviceBatch]:
    return Batches(planner).batch(number), device_batches(planner).batch(number).on_device()


def differences(one: Batch, other: DeviceBatch) -> list[np.ndarray]:
    """Between feeds, and between targets of each size, in levels."""
    np.testing.assert_array_equal(one.indices, other.indices)
    pairs = [(one.feed, other.feed), *zip(one.targets, other.targets, strict=True)]
    found = []
    for array, tensor in pairs:
        assert tensor.dtype == torch.uint8
        assert tensor.is_contiguous()
        assert tensor.shape == array.shape
        found.append(np.abs(array.astype(int) - tensor.numpy()))
    return found


SIZES = [
    {},
    {"input_size": 32, "target_sizes": [16, 32, 64, 64]},
    {"input_size": 90, "target_sizes": [128, 50]},
]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("edge", [94, 188, 236])
def test_soft_faces_come_out_as_from_the_processor(sizes: dict, edge: int) -> None:
    """Where a lightness is all but halfway, each rounds its own way before it is equalised."""
    planner = planner_of(soft(12, edge), Augmentation(), **sizes)
    for difference in differences(*both(planner)):
        assert difference.mean() < 0.5
        assert (difference <= 3).mean() > 0.985
        assert difference.max() <= (16 if edge == 94 else 5)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("edge", [94, 188])
@pytest.mark.parametrize("augmentation", [COLOURLESS, UNEQUALISED])
def test_unequalised_they_come_out_the_same_but_for_rounding(
    augmentation: Augmentation, sizes: dict, edge: int
) -> None:
    planner = planner_of(soft(12, edge), augmentation, **sizes)
    for difference in differences(*both(planner)):
        assert difference.mean() < 0.4
        assert difference.max() <= 3


def test_noise_comes_out_much_as_from_the_processor() -> None:
    """Two ways of sampling differ most where no two pixels are alike."""
    planner = planner_of(noise(12), Augmentation())
    for difference in differences(*both(planner)):
        assert difference.mean() < 7
        assert (difference <= 32).mean() > 0.999


@pytest.mark.parametrize("size", [64, 48])
def test_towards_landmarks_they_come_out_the_same(size: int) -> None:
    others = relative_landmarks("b", noise(20, 128, 1))
    planner = planner_of(soft(8), COLOURLESS, input_size=size, others=others)
    feed, target = differences(*both(planner))
    assert feed.mean() < 0.3
    assert feed.max() <= 2
    assert target.max() <= 2
    straight, _ = both(planner_of(soft(8), COLOURLESS, input_size=size))
    assert (both(planner)[1].feed.numpy() != straight.feed).any()


def test_real_faces_come_out_as_from_the_processor(grid) -> None:
    files = [str(file) for file in sorted(grid.glob("*/*.png"))[::40]]
    faces, _ = load_faces(files, Cut(EDGE, "face", "extended", 3, 4), "A")
    planner = planner_of(faces, Augmentation(), input_size=64, target_sizes=[64, 32])
    for difference in differences(*both(planner)):
        assert difference.mean() < 1
        assert (difference <= 6).mean() > 0.99


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), half=st.integers(4, 20), margin=st.integers(0, 6))
def test_ranges_of_nothing_change_nothing(seed: int, half: int, margin: int) -> None:
    window, edge = 2 * half, 2 * (half + margin)
    faces = noise(3, edge, seed)
    coverage = (window + 0.5) / edge if margin else 1
    sizes = {"input_size": window, "target_sizes": [window], "coverage": coverage}
    batch = both(planner_of(faces, STILL, **sizes))[1]
    inside = np.s_[:, margin : margin + window, margin : margin + window]
    images, masks = (pixels[batch.indices][inside] for pixels in (faces.images, faces.masks))
    np.testing.assert_array_equal(batch.feed, images)
    np.testing.assert_array_equal(batch.targets[0][..., :3], images)
    np.testing.assert_array_equal(batch.targets[0][..., 3:], masks)


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("more", [0, 2])
def test_a_smaller_output_is_reduced_by_area(times: int, more: int) -> None:
    """Also where the reduction does not divide the edge, which is then repeated."""
    size, edge = 24, 24 * times + more
    faces = noise(2, edge)
    sizes = {"input_size": size, "target_sizes": [size], "coverage": 24 * times / edge}
    batch = both(planner_of(faces, STILL, **sizes))[1]
    if not more:
        everything = np.concatenate([faces.images, faces.masks], axis=-1)[batch.indices]
        small = everything.reshape(2, size, times, size, times, 6).mean(axis=(2, 4))
        assert np.abs(batch.targets[0].numpy() - small).max() <= 0.51
    for difference in differences(*both(planner_of(soft(2, edge), STILL, **sizes))):
        assert difference.max() <= 3


def keys(at: np.ndarray) -> np.ndarray:
    """Keys' kernel of cubic convolution (1981) with the slope of -3/4 at its ends."""
    a, x = -0.75, np.abs(at)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    return np.where(x <= 1, near, np.where(x < 2, a * (x**3 - 5 * x**2 + 8 * x - 4), 0))


def cubic(plane: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Sample a plane by its definition, in float64; beyond the edge, the edge is repeated."""
    places = np.arange(-20, len(plane) + 20)
    wide = np.pad(plane.astype(float), 20, mode="edge")
    result = np.empty(x.shape)
    for at in np.ndindex(x.shape):
        result[at] = keys(y[at] - places) @ wide @ keys(x[at] - places)
    return np.rint(result).clip(0, 255)


def moved_places(plan: Plan, planner: Planner, row: int) -> np.ndarray:
    """Where the pixels of the first target lie in a face: x and y."""
    sampler = next(iter(planner.targets.values()))
    rows, columns = np.mgrid[: sampler.size, : sampler.size]
    inside = np.stack([columns, rows, np.ones_like(rows)]).reshape(3, -1)
    places = plan.transforms[row] @ sampler.matrix @ inside
    return places.reshape(2, sampler.size, sampler.size)


def test_faces_are_sampled_by_the_cubic_kernel_and_masks_in_lines() -> None:
    """At exact places: the processor rounds those to a 32nd of a pixel."""
    faces = noise(4, 40)
    wild = Augmentation(zoom_amount=20, rotation_range=30, shift_range=20, colour=False)
    planner = planner_of(faces, wild, input_size=12, target_sizes=[27])
    plan, (_, batch) = planner.plan(0), both(planner)
    for row, index in enumerate(plan.indices):
        x, y = moved_places(plan, planner, row)
        target = batch.targets[0][row].numpy()
        for plane in range(3):
            wanted = cubic(faces.images[index, ..., plane], x, y)
            assert np.abs(target[..., plane] - wanted).max() <= 1
            lines = map_coordinates(
                faces.masks[index, ..., plane].astype(float), [y, x], order=1, mode="nearest"
            )
            assert np.abs(target[..., 3 + plane] - lines).max() <= 0.51


def test_the_feed_is_sampled_where_the_plan_says() -> None:
    faces = noise(4, 40)
    planner = planner_of(faces, COLOURLESS, input_size=27, target_sizes=[27])
    plan, (_, batch) = planner.plan(0), both(planner)
    for row, index in enumerate(plan.indices):
        x, y = planner.feed.maps(plan.warped[row]).astype(float)
        wanted = cubic(faces.images[index, ..., 1], x, y)
        assert np.abs(batch.feed[row, ..., 1].numpy() - wanted).max() <= 1


def test_feed_and_target_get_the_same_colours() -> None:
    colours = replace(STILL, colour=True)
    batch = both(planner_of(noise(8), colours))[1]
    # Places come about in two ways, and what has changed colour is not rounded before.
    difference = np.abs(batch.feed.numpy().astype(int) - batch.targets[0][..., :3].numpy())
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_a_batch_is_made_again_to_the_byte() -> None:
    planner = planner_of(noise(5), Augmentation(), batch_size=3)
    run = [device_batches(planner).batch(number).on_device() for number in range(4)]
    resumed = device_batches(planner_of(noise(5), Augmentation(), batch_size=3))
    for number in (2, 3, 0):
        again = resumed.batch(number).on_device()
        assert torch.equal(again.feed, run[number].feed)
        assert torch.equal(again.targets[0], run[number].targets[0])


def test_in_parts_a_batch_is_the_same_to_the_byte(caplog: pytest.LogCaptureFixture) -> None:
    others = relative_landmarks("b", noise(9, EDGE, 1))
    for changes in ({}, {"others": others}):
        batches = device_batches(planner_of(noise(7), Augmentation(), **changes))
        staged, before = batches.batch(3), batches.batch(4)
        smaller = staged.smaller().smaller()
        assert [len(part.images) for part in smaller.parts] == [2, 2, 2, 1]
        whole, made = staged.on_device(), smaller.on_device()
        np.testing.assert_array_equal(whole.indices, made.indices)
        pairs = [(whole.feed, made.feed), *zip(whole.targets, made.targets, strict=True)]
        assert all(torch.equal(one, other) for one, other in pairs)
        # What is staged next is of that size, also after one from before was too large as well.
        assert len(before.smaller().parts) == len(batches.batch(5).parts) == 4
    assert [record.args for record in caplog.records] == [(4,), (2,)] * 2


def test_no_face_is_lost_where_the_size_shrinks_while_a_batch_is_staged(monkeypatch) -> None:
    batches = device_batches(planner_of(noise(7), Augmentation()))
    batches.room.shrink(7)
    gather = augment._gathered

    def shrinking(*given: Any) -> Any:
        batches.room.shrink(2)
        return gather(*given)

    monkeypatch.setattr(augment, "_gathered", shrinking)
    assert len(batches.batch(0).on_device().feed) == 7


def test_a_face_that_does_not_fit_by_itself_is_the_users_concern() -> None:
    staged = device_batches(planner_of(noise(2), Augmentation())).batch(0).smaller()
    with pytest.raises(FaceswapError, match=r"^out of memory in .* one face at a time: lower -b"):
        staged.smaller()


def test_what_is_staged_stays() -> None:
    staged = device_batches(planner_of(noise(4), Augmentation())).batch(1)
    one, other = staged.on_device(), staged.on_device()
    assert torch.equal(one.feed, other.feed)
    assert torch.equal(one.targets[0], other.targets[0])


class Calls(TorchDispatchMode):
    """Context that counts what the device is told to do; to look at a tensor anew is nothing."""

    VIEWS = ("unsqueeze", "view", "unbind", "permute", "split", "select", "slice", "expand")

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None) -> Any:
        self.count += function.__name__.split(".")[0] not in self.VIEWS
        return function(*args, **(kwargs or {}))


def calls(count: int, **changes: Any) -> int:
    """How many calls a batch of so many faces takes, all of them equalised."""
    all_on = Augmentation(color_clahe_chance=100)
    staged = device_batches(planner_of(noise(count), all_on, **changes)).batch(0)
    staged.on_device()  # constants go there once
    with Calls() as counted:
        staged.on_device()
    return counted.count


def test_a_batch_takes_few_calls_however_large_it_is() -> None:
    assert calls(1) == calls(12) < 110
    assert calls(4, target_sizes=[64, 32, 16]) - calls(4) < 25
