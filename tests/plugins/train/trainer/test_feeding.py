"""The feed of a run begins where its model stands."""

from argparse import Namespace
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from lib.config import options
from lib.config.train import TrainerOptions
from lib.data.faceset import FaceSet
from lib.data.files import find_images
from lib.logs.losses import Reading
from lib.training import augment
from lib.training.distributed import World
from lib.training.divergence import Breakdown
from lib.training.room import Room
from plugins import loader
from plugins.train.trainer import _feeding
from plugins.train.trainer._feeding import make_feed

OPTIONS = options.merged([TrainerOptions()]) | {"seed": 3}


def model(iterations: int, accumulation: int) -> Any:
    """As much of a model plugin as its feed asks for."""
    return SimpleNamespace(
        iterations=iterations,
        config={"gradient_accumulation": accumulation},
        color_order="bgr",
        command_line_arguments=SimpleNamespace(),
        coverage_ratio=0.75,
        model=SimpleNamespace(inputs=[np.empty((1, 16, 16, 3))] * 2),
        output_shapes=[[(16, 16, 3)]] * 2,
    )


def faces() -> dict[str, FaceSet]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (9, 32, 32, 3), np.uint8)
    paths = tuple(f"{index}.png" for index in range(9))
    made = FaceSet(paths, images, images, np.zeros((9, 68, 2), np.float32))
    return {"a": made, "b": made}


def given(plugin: Any, count: int) -> list[list[np.ndarray]]:
    """Feeds and targets of so many iterations, each counted before it is fed."""
    plugin.iterations += 1
    feed = make_feed(plugin, faces(), OPTIONS, 4, World(1, 2), room=Room(4))
    found = [
        [pixels for sides in feed.next() for kind in sides for pixels in kind] for _ in range(count)
    ]
    feed.close()
    plugin.iterations += count - 1
    return found


def test_a_run_whose_count_has_gone_back_gets_what_it_got_at_that_iteration() -> None:
    plugin = model(0, 2)
    straight = given(plugin, 6)
    assert plugin.iterations == 6
    plugin.iterations = 2
    for ours, expected in zip(given(plugin, 4), straight[2:], strict=True):
        assert len(ours) == len(expected) == 8
        for one, other in zip(ours, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_iteration_being_fed_can_be_made_again() -> None:
    plugin = model(5, 1)
    feed = make_feed(plugin, faces(), OPTIONS, 4, World(), room=Room(4))
    ((feeds, _),) = feed.next()
    ((again, _),), files = feed.again(plugin.iterations - 1)
    feed.close()
    np.testing.assert_array_equal(feeds[0], again[0])
    assert {len(files[side]) for side in "ab"} == {4}


@pytest.mark.parametrize("is_card", [False, True])
def test_a_card_makes_the_pixels(is_card: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_feeding, "is_cuda", lambda: is_card)
    feed = make_feed(model(1, 1), faces(), OPTIONS, 4, World(), room=Room(4))
    ((feeds, targets),) = feed.next()
    feed.close()
    assert {isinstance(pixels, torch.Tensor) for pixels in [*feeds, *targets]} == {is_card}


@pytest.fixture
def trainer(
    train_arguments: Callable[..., Namespace], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Trains on what the device makes."""
    monkeypatch.setattr(_feeding, "is_cuda", lambda: True)
    arguments = train_arguments("-n")
    plugin = loader.load_model(arguments.trainer, arguments.plugin_dir)(
        arguments.model_dir, arguments
    )
    plugin.build()
    images = {side: find_images(getattr(arguments, f"input_{side}")) for side in "ab"}
    made = loader.load_trainer("original")(plugin, images, 4, None)
    yield made
    made.close()


def look_at_bad(trainer: Any, iteration: int) -> None:
    ones = np.ones((1, 2))
    bad = Reading(np.array([iteration]), ones, ones, np.array([False]))
    trainer._rescue.look(bad, trainer._feed)


def without_room(_: Any) -> Any:
    raise torch.OutOfMemoryError("CUDA out of memory")


def test_a_run_is_trained_on_what_the_device_makes(
    trainer: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where a bad step has its batch made again."""
    trainer._model.config["learning_rate"] = 5e-3
    for _ in range(40):
        trainer.train_one_step(None, None)
    losses = np.array([[float(x) for x in side] for side in trainer._model._io.history])
    ((feeds, _),) = trainer._next_batches()
    for full in (False, True):
        if full:
            monkeypatch.setattr(augment, "upload", without_room)
        look_at_bad(trainer, 40)
    assert all(isinstance(pixels, torch.Tensor) for pixels in feeds)
    assert "Iteration 40 was skipped" in caplog.text
    assert "the cause has gone" in caplog.text
    assert "not found out, for lack of memory; its batch: A " in caplog.text
    assert (losses[:, -10:].mean(axis=1) < 0.9 * losses[:, :10].mean(axis=1)).all()


def test_a_run_that_is_short_of_memory_makes_no_more_faces_at_a_time_later(
    trainer: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither to find out why a step was bad, nor once it has gone back."""
    upload = augment.upload

    def limited(numbers: Any) -> Any:
        return upload(numbers) if len(numbers.images) <= 2 else without_room(numbers)

    monkeypatch.setattr(augment, "upload", limited)
    trainer._model.saves.begin()
    for _ in range(2):
        trainer.train_one_step(None, None)
    look_at_bad(trainer, 2)
    trainer._go_back(Breakdown("loss", "the loss has risen"))
    trainer.train_one_step(None, None)
    assert "the cause has gone" in caplog.text
    assert caplog.text.count("faces are now changed") == 1
