"""What can only be seen on a graphics card: that nothing waits, that memory is not used twice."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import keras
import numpy as np
import pytest
import torch

from lib.config import options, sections
from lib.data.augment import Augmentation
from lib.data.batches import Batches
from lib.data.faceset import FaceSet
from lib.data.plan import Planner
from lib.model.losses.face import FaceLoss
from lib.model.optimizers.factory import make_optimizer
from lib.training.augment import DeviceBatches
from lib.training.device import device
from lib.training.feed import Feed
from lib.training.step import TrainingStep

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="a CUDA graphics card is needed, and there is none"
)

CONFIG = options.merged(cls() for cls in sections.MODEL.values())
EDGE, SIZE, BATCH = 188, 128, 8
ALL_ON = Augmentation(color_clahe_chance=100)


def soft_faces() -> FaceSet:
    coarse = np.random.default_rng(0).integers(60, 190, (2 * BATCH, 5, 5, 3), np.uint8)
    size = (EDGE, EDGE)
    soft = np.stack([cv2.resize(each, size, interpolation=cv2.INTER_CUBIC) for each in coarse])
    names = tuple(f"{index}.png" for index in range(BATCH))
    return FaceSet(names, soft[:BATCH], soft[BATCH:], np.zeros((BATCH, 68, 2), np.float32))


def planner(side: str = "a", augmentation: Augmentation = ALL_ON) -> Planner:
    return Planner(soft_faces(), SIZE, [SIZE, 64], 0.6875, augmentation, BATCH, 0, side)


def feed() -> Feed:
    names = soft_faces().paths
    return Feed(lambda side: DeviceBatches(planner(side)), {"a": names, "b": names})


def model() -> keras.Model:
    """Two outputs a side, as the batches have."""
    inputs = [keras.Input((SIZE, SIZE, 3)) for _ in "ab"]
    shared = keras.layers.Conv2D(3, 3, padding="same", activation="sigmoid")
    smaller = keras.layers.AveragePooling2D(2)
    outputs = [face for x in inputs for face in (shared(x), smaller(shared(x)))]
    made = keras.Model(inputs, outputs)
    losses = [FaceLoss() for _ in outputs]
    made.compile(optimizer=make_optimizer(CONFIG), loss=losses, jit_compile=False)
    made.optimizer.build(made.trainable_variables)
    return made


@contextmanager
def nothing_may_wait() -> Iterator[None]:
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_what_waits_is_an_error() -> None:
    number = torch.ones((), device=device())
    with nothing_may_wait(), pytest.raises(RuntimeError, match="synchroniz"):
        number.item()


def test_faces_are_changed_and_trained_on_without_waiting() -> None:
    step, source = TrainingStep(model(), CONFIG), feed()
    try:
        for _ in range(3):
            step(source.next(), 1e-4)
        with nothing_may_wait():
            outcomes = [step(source.next(), 1e-4) for _ in range(5)]
    finally:
        source.close()
    assert all(outcome.is_good for outcome in outcomes)


@pytest.mark.parametrize(("colour", "mean", "most"), [(False, 0.3, 3), (True, 1.5, 255)])
def test_the_card_makes_what_the_processor_makes(colour: bool, mean: float, most: int) -> None:
    plan = planner(augmentation=Augmentation(colour=colour))
    wanted, made = Batches(plan).batch(0), DeviceBatches(plan).batch(0).on_device()
    pairs = zip([wanted.feed, *wanted.targets], [made.feed, *made.targets], strict=True)
    for array, tensor in pairs:
        assert tensor.device == device()
        difference = np.abs(array.astype(int) - tensor.cpu().numpy())
        assert difference.mean() < mean
        assert difference.max() <= most


def test_what_is_on_its_way_is_not_overwritten() -> None:
    """The card is kept busy while the host makes batch after batch."""
    source, busy = feed(), 50_000_000
    given = []
    for _ in range(12):
        torch.cuda._sleep(busy)
        given.append(source.next())
    torch.cuda.synchronize()
    for iteration, sides in enumerate(given):
        again, _ = source.again(iteration)
        for kind, other_kind in zip(sides[0], again[0], strict=True):
            for pixels, others in zip(kind, other_kind, strict=True):
                assert torch.equal(pixels, others)
    source.close()


def test_a_batch_takes_little_memory() -> None:
    staged = DeviceBatches(planner()).batch(0)
    assert all(tensor.is_pinned() for tensor in (staged._numbers.images, staged._numbers.masks))
    made = staged.on_device()
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    made = staged.on_device()
    torch.cuda.synchronize()
    assert torch.cuda.max_memory_allocated() - before < 150 * BATCH * EDGE**2
    assert made.feed.device == device()
