import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.data.augment import Augmentation, plain
from lib.data.batches import Batches
from lib.data.faceset import Cut, FaceSet, load_faces
from lib.data.plan import Planner

STILL = Augmentation(
    zoom_amount=0, rotation_range=0, shift_range=0, flip=False, colour=False, warp=False
)


def make_faces(count, edge=94, seed=0):
    shape = (count, edge, edge, 3)
    rng = np.random.default_rng(seed)
    images, masks = (rng.integers(0, 256, shape, np.uint8) for _ in range(2))
    paths = tuple(f"{index}.png" for index in range(count))
    return FaceSet(paths, images, masks, np.zeros((count, 68, 2), np.float32))


def make_batches(faces=None, augmentation=None, batch_size=4, **changes):
    settings = {"input_size": 64, "target_sizes": [64], "coverage": 0.6875, "seed": 0, "side": "a"}
    planner = Planner(
        make_faces(10) if faces is None else faces,
        augmentation=augmentation or Augmentation(),
        batch_size=batch_size,
        **settings | changes,
    )
    return Batches(planner)


def assert_same(one, other):
    np.testing.assert_array_equal(one.indices, other.indices)
    np.testing.assert_array_equal(one.feed, other.feed)
    for target, other_target in zip(one.targets, other.targets, strict=True):
        np.testing.assert_array_equal(target, other_target)


def test_shapes():
    batch = make_batches(input_size=32, target_sizes=[16, 32, 64, 64]).batch(0)
    assert batch.feed.shape == (4, 32, 32, 3)
    assert [t.shape for t in batch.targets] == [(4, s, s, 6) for s in (16, 32, 64, 64)]
    assert {a.dtype for a in (batch.feed, *batch.targets)} == {np.dtype(np.uint8)}
    np.testing.assert_array_equal(batch.targets[2], batch.targets[3])


def test_a_resumed_run_goes_on_exactly():
    straight = make_batches()
    run = [straight.batch(iteration) for iteration in range(7)]
    resumed = make_batches()
    for iteration in (4, 5, 6, 1):
        assert_same(resumed.batch(iteration), run[iteration])


def test_what_is_handed_out_stays():
    batches = make_batches()
    first = batches.batch(0)
    before = first.feed.copy(), first.targets[0].copy()
    batches.batch(1)
    np.testing.assert_array_equal(first.feed, before[0])
    np.testing.assert_array_equal(first.targets[0], before[1])


@pytest.mark.parametrize("change", [{"seed": 1}, {"seed": 2**70}, {"side": "b"}])
def test_seed_and_side_change_order_and_augmentation(change):
    one, other = (make_batches(make_faces(50), batch_size=50, **c) for c in ({}, change))
    assert (one.batch(0).indices != other.batch(0).indices).any()
    single, changed = (make_batches(make_faces(1), batch_size=2, **c) for c in ({}, change))
    assert (single.batch(0).feed != changed.batch(0).feed).any()


def test_iterations_and_faces_of_a_batch_are_augmented_differently():
    batches = make_batches(make_faces(1), batch_size=2)
    first, second = batches.batch(0), batches.batch(1)
    assert (first.feed != second.feed).any()
    assert (first.feed[0] != first.feed[1]).any()


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 13), batch_size=st.integers(1, 9), seed=st.integers(0, 2**64))
def test_every_face_comes_once_an_epoch(count, batch_size, seed):
    faces = make_faces(count, edge=8)
    batches = make_batches(
        faces, STILL, batch_size, input_size=4, target_sizes=[4], seed=seed, coverage=1
    )
    taken = [batches.batch(i).indices for i in range(-(-3 * count // batch_size))]
    epochs = np.concatenate(taken)[: 3 * count].reshape(3, count)
    np.testing.assert_array_equal(np.sort(epochs, axis=1), np.tile(np.arange(count), (3, 1)))


def test_epochs_differ_in_order():
    batches = make_batches(make_faces(40, edge=8), STILL, 40, input_size=4, target_sizes=[4])
    assert (batches.batch(0).indices != batches.batch(1).indices).any()


def test_without_augmentation_the_window_comes_out():
    faces = make_faces(5)
    batch = make_batches(faces, STILL, 5).batch(3)
    window = np.s_[:, 15:79, 15:79]
    np.testing.assert_array_equal(batch.feed, faces.images[batch.indices][window])
    np.testing.assert_array_equal(batch.targets[0][..., :3], faces.images[batch.indices][window])
    np.testing.assert_array_equal(batch.targets[0][..., 3:], faces.masks[batch.indices][window])


def test_feed_and_target_get_the_same_colours():
    colours = Augmentation(zoom_amount=0, rotation_range=0, shift_range=0, flip=False, warp=False)
    faces = make_faces(5)
    batch = make_batches(faces, colours, 20).batch(0)
    np.testing.assert_array_equal(batch.feed, batch.targets[0][..., :3])
    window = np.s_[:, 15:79, 15:79]
    assert (batch.feed != faces.images[batch.indices][window]).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(batch.targets[0][..., 3:], faces.masks[batch.indices][window])


def test_only_the_feed_is_warped():
    faces = make_faces(5)
    warped = make_batches(faces).batch(0)
    straight = make_batches(faces, Augmentation(warp=False)).batch(0)
    assert (warped.feed != straight.feed).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(warped.targets[0], straight.targets[0])
    # The places are rounded in two ways, to 1/32 pixel; this is noise, which shows it most.
    difference = straight.feed.astype(int) - straight.targets[0][..., :3]
    assert np.abs(difference).mean() < 0.5


def test_sizes_of_one_face_show_the_same_place():
    coarse = np.random.default_rng(1).integers(0, 256, (6, 5, 5, 3), np.uint8)
    smooth = np.stack([cv2.resize(c, (188, 188), interpolation=cv2.INTER_CUBIC) for c in coarse])
    faces = FaceSet(tuple("abcdef"), smooth, smooth, np.zeros((6, 68, 2), np.float32))
    large, small = make_batches(faces, target_sizes=[128, 32]).batch(0).targets
    for one, other in zip(large, small, strict=True):
        halved = one.reshape(32, 4, 32, 4, 6).mean(axis=(1, 3))
        assert np.abs(halved - other).mean() < 1


def test_real_faces_come_out_whole(grid):
    files = [str(file) for file in sorted(grid.glob("*/*.png"))[::40]]
    faces, bad = load_faces(files, Cut(94, "face", "extended", 3, 4), "A")
    assert not bad
    batch = make_batches(faces, STILL, len(faces)).batch(0)
    np.testing.assert_array_equal(batch.feed, plain(faces.images, batch.indices, 64, 0.6875))
    moved = make_batches(faces, batch_size=len(faces)).batch(0)
    masked = moved.targets[0][..., 3:] > 127
    assert (masked.mean(axis=(1, 2)) > (0.2, 0.003, 0.003)).all()  # face, eyes, mouth are there
