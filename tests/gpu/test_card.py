"""What can only be seen on a graphics card: that nothing waits, that memory is not used twice."""

import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import cv2
import keras
import numpy as np
import pytest
import torch

from lib.config import options, sections
from lib.data.augment import Augmentation
from lib.data.batches import Batches
from lib.data.faceset import FaceSet
from lib.data.files import find_images
from lib.data.plan import Planner
from lib.device import device
from lib.model.losses.face import FaceLoss
from lib.model.optimizers.factory import make_optimizer
from lib.model.precision import policy, set_precision
from lib.training.augment import DeviceBatches
from lib.training.feed import Feed
from lib.training.room import Room
from lib.training.step import TrainingStep
from plugins import loader

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="a CUDA graphics card is needed, and there is none"
)

CONFIG = options.merged(cls() for cls in sections.MODEL.values())
EDGE, SIZE, BATCH = 188, 128, 8
ALL_ON = Augmentation(color_clahe_chance=100)
PRECISIONS = [
    {},
    {"mixed_precision": True, "mixed_precision_type": "bfloat16"},
    {"mixed_precision": True, "mixed_precision_type": "float16"},
]


def soft_faces() -> FaceSet:
    coarse = np.random.default_rng(0).integers(60, 190, (2 * BATCH, 5, 5, 3), np.uint8)
    size = (EDGE, EDGE)
    soft = np.stack([cv2.resize(each, size, interpolation=cv2.INTER_CUBIC) for each in coarse])
    names = tuple(f"{index}.png" for index in range(BATCH))
    return FaceSet(names, soft[:BATCH], soft[BATCH:], np.zeros((BATCH, 68, 2), np.float32))


def planner(
    side: str = "a", augmentation: Augmentation = ALL_ON, batch_size: int = BATCH
) -> Planner:
    return Planner(soft_faces(), SIZE, [SIZE, 64], 0.6875, augmentation, batch_size, 0, side)


def feed(batch_size: int = BATCH) -> Feed:
    names, space = soft_faces().paths, Room(batch_size)
    return Feed(
        lambda side: DeviceBatches(planner(side, batch_size=batch_size), space),
        {"a": names, "b": names},
    )


def model() -> keras.Model:
    """Two outputs a side, as the batches have."""
    keras.utils.set_random_seed(0)
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


@pytest.mark.parametrize("precision", PRECISIONS)
def test_faces_are_changed_and_trained_on_without_waiting(precision: dict[str, Any]) -> None:
    made, config = model(), CONFIG | precision
    set_precision(made, policy(config))
    step = TrainingStep(made, config)
    with closing(feed()) as source:
        for _ in range(3):
            step(source.next(), 1e-4)
        with nothing_may_wait():
            outcomes = [step(source.next(), 1e-4) for _ in range(5)]
    assert all(outcome.is_good for outcome in outcomes)
    assert all(outcome.losses.isfinite().all() for outcome in outcomes)


def trained(**more: Any) -> list[list[float]]:
    """Losses of three iterations."""
    step = TrainingStep(model(), CONFIG | more)
    with closing(feed()) as source:
        return [step(source.next(), 1e-4).losses.tolist() for _ in range(3)]


@pytest.mark.slow
def test_compiled_losses_train_alike() -> None:
    pytest.importorskip("triton")
    np.testing.assert_allclose(trained(compile_losses=True), trained(), rtol=1e-3)


def test_another_thread_trains_alike() -> None:
    found: list[list[list[float]]] = []
    thread = threading.Thread(target=lambda: found.append(trained()))
    thread.start()
    thread.join()
    np.testing.assert_allclose(found, [trained()], rtol=1e-3)


def test_a_save_holds_what_there_was_when_it_began(
    train_arguments: Callable[..., Namespace],
) -> None:
    arguments = train_arguments("-n")
    plugin = loader.load_model(arguments.trainer, arguments.plugin_dir)(
        arguments.model_dir, arguments
    )
    plugin.build()
    images = {side: find_images(getattr(arguments, f"input_{side}")) for side in "ab"}
    with closing(loader.load_trainer("original")(plugin, images, 4, None)) as trainer:
        trainer.train_one_step(None, None)
        variables = [*plugin.model.weights, *plugin.model.optimizer.variables]
        assert {weight.value.device for weight in plugin.model.trainable_variables} == {device()}
        before = [variable.value.numpy(force=True).copy() for variable in variables]
        plugin.saves.begin()
        for _ in range(5):
            trainer.train_one_step(None, None)
    plugin.saves.finish()
    loaded = plugin._io.load()
    stored = [*loaded.weights, *loaded.optimizer.variables]
    for variable, value in zip(stored, before, strict=True):
        now = variable.value.numpy(force=True)
        np.testing.assert_array_equal(now, value, err_msg=variable.path)


@pytest.mark.parametrize(
    ("augmentation", "most"),
    [(Augmentation(colour=False), 3), (Augmentation(color_clahe_chance=0), 3), (ALL_ON, 10)],
)
def test_the_card_makes_what_the_processor_makes(augmentation: Augmentation, most: int) -> None:
    plan = planner(augmentation=augmentation)
    wanted, made = Batches(plan).batch(0), DeviceBatches(plan, Room(BATCH)).batch(0).on_device()
    pairs = zip([wanted.feed, *wanted.targets], [made.feed, *made.targets], strict=True)
    for array, tensor in pairs:
        assert tensor.device == device()
        difference = np.abs(array.astype(int) - tensor.cpu().numpy())
        assert difference.mean() < 0.4
        assert (difference <= 3).mean() > 0.995
        assert difference.max() <= most


def test_what_is_on_its_way_is_not_overwritten() -> None:
    """The card is kept busy while the host makes batch after batch."""
    busy, given = 50_000_000, []
    with closing(feed()) as source:
        for _ in range(12):
            torch.cuda._sleep(busy)
            given.append(source.next())
        torch.cuda.synchronize()
        for iteration, sides in enumerate(given):
            assert_same(list(source.again(iteration)[0]), sides)


def assert_same(one: Any, other: Any) -> None:
    for sides, others in zip(one, other, strict=True):
        for kind, other_kind in zip(sides, others, strict=True):
            assert all(map(torch.equal, kind, other_kind))


@contextmanager
def room(more: float) -> Iterator[None]:
    """Context in which so many bytes can be taken, and no more."""
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(device()).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + more) / total)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_where_a_batch_does_not_fit_fewer_faces_are_made_at_a_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The floats of 64 take more than there is room for, those of 32 less."""
    with closing(feed(64)) as source:
        wanted = [source.next() for _ in range(2)]
    with closing(feed(64)) as source, room(150e6):
        for sides in wanted:
            assert_same(source.next(), sides)
    assert caplog.text.count("Out of memory: faces are now changed 32 at a time") == 1


def test_a_batch_takes_little_memory() -> None:
    staged = DeviceBatches(planner(), Room(BATCH)).batch(0)
    assert all(tensor.is_pinned() for tensor in (staged.parts[0].images, staged.parts[0].masks))
    made = staged.on_device()
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    made = staged.on_device()
    torch.cuda.synchronize()
    assert torch.cuda.max_memory_allocated() - before < 150 * BATCH * EDGE**2
    assert made.feed.device == device()
