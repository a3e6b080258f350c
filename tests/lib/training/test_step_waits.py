"""A step reads nothing back from the device, and sends it nothing but pixels."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from lib.config import options, sections
from lib.data.augment import Augmentation
from lib.data.faceset import FaceSet
from lib.data.landmark_warp import relative_landmarks
from lib.data.plan import Planner
from lib.model.losses.face import FaceLoss
from lib.model.optimizers.factory import OPTIMIZERS, make_optimizer
from lib.model.precision import set_precision
from lib.training.augment import DeviceBatches, Staged
from lib.training.room import Room
from lib.training.step import Sides, TrainingStep

FACES = np.random.default_rng(0).integers(0, 256, (5, 26, 26, 3), np.uint8)
CONFIG = options.merged(cls() for cls in sections.MODEL.values())
FLOAT16 = {"mixed_precision": True, "mixed_precision_type": "float16"}
BATCH = tuple([np.full((4, 16, 16, channels), 99, np.uint8) for _ in "ab"] for channels in (3, 6))


class Waits(TorchDispatchMode):
    """Context that notes what a device would have to be waited for, or be sent from the host."""

    NAMES = ("_local_scalar_dense", "equal", "nonzero", "masked_select", "_unique2", "lift_fresh")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None) -> Any:
        name = function.__name__.split(".")[0]
        # Of true and false: how many are true decides the shape of the result.
        by_mask = name == "index" and any(x.dtype == torch.bool for x in args[1] if x is not None)
        if name in self.NAMES or by_mask:
            self.found.append(name)
        return function(*args, **(kwargs or {}))


WAYS = {
    "_local_scalar_dense": [float, bool, torch.Tensor.item, torch.Tensor.is_nonzero],
    "equal": [lambda x: torch.equal(x, x)],
    "nonzero": [torch.nonzero],
    "index": [lambda x: x[x > 0]],
    "lift_fresh": [lambda x: torch.tensor(1.0), lambda x: torch.from_numpy(np.zeros(3))],
}


@pytest.mark.parametrize(("name", "wait"), [(n, way) for n, ways in WAYS.items() for way in ways])
def test_what_waits_is_found(name: str, wait: Callable[[torch.Tensor], Any]) -> None:
    x = torch.ones(1)
    with Waits() as waits:
        wait(x)
    assert waits.found == [name]


def plain_model(name: str) -> keras.Model:
    """Of layers that wait for nothing, with the optimizer of a name and all that it may have."""
    config = CONFIG | {"optimizer": name, "weight_decay": 0.1, "average_momentum": 0.9}
    keras.utils.set_random_seed(0)
    inputs = [keras.Input((16, 16, 3)) for _ in "ab"]
    shared = keras.layers.Conv2D(3, 3, padding="same", activation="sigmoid")
    model = keras.Model(inputs, [shared(x) for x in inputs])
    optimizer = make_optimizer(config)
    model.compile(optimizer=optimizer, loss=[FaceLoss() for _ in "ab"], jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("clipping", [None, "norm", "global_norm", "value", "autoclip"])
@pytest.mark.parametrize("precision", [{}, FLOAT16])
def test_a_step_waits_for_nothing(
    name: str, clipping: str | None, precision: dict[str, Any]
) -> None:
    model = plain_model(name)
    if precision:
        set_precision(model, "mixed_float16")
    step = TrainingStep(model, CONFIG | precision | {"gradient_clipping": clipping})
    step([BATCH], 1e-3, 0.5)
    with Waits() as waits:
        step([BATCH, BATCH], 1e-3, 0.5)
    # Of each batch two feeds and two targets go to the device, and nothing else goes or comes.
    assert waits.found == ["lift_fresh"] * 8


def staged(*, to_landmarks: bool) -> list[Staged]:
    """A batch of each side, of faces that are changed in every way, before the device has it."""
    landmarks = np.random.default_rng(0).uniform(8, 18, (5, 68, 2)).astype(np.float32)
    faces = FaceSet(tuple("abcde"), FACES, FACES, landmarks)
    all_on = Augmentation(color_clahe_chance=100)
    others = relative_landmarks("b", faces) if to_landmarks else None
    return [
        DeviceBatches(Planner(faces, 16, [16], 0.7, all_on, 4, 0, side, others), Room(4)).batch(0)
        for side in "ab"
    ]


def made(pair: list[Staged]) -> Sides:
    batches = [side.on_device() for side in pair]
    return [batch.feed for batch in batches], [t for batch in batches for t in batch.targets]


@pytest.mark.parametrize("to_landmarks", [False, True])
def test_faces_changed_on_the_device_wait_for_nothing(to_landmarks: bool) -> None:
    step = TrainingStep(plain_model("adam"), CONFIG)
    pair = staged(to_landmarks=to_landmarks)
    step([made(pair)], 1e-3, 0.5)
    with Waits() as waits:
        step([made(pair), made(pair)], 1e-3, 0.5)
    assert waits.found == []


def test_bytes_on_the_device_train_as_those_of_the_host_do_in_parts_too() -> None:
    sides = made(staged(to_landmarks=False))
    arrays = tuple([pixels.cpu().numpy() for pixels in kind] for kind in sides)
    steps = [TrainingStep(plain_model("adam"), CONFIG) for _ in range(3)]
    steps[2].restore({"parts": {"most_faces": 3}})
    of_device, of_host, in_parts = (
        step([batch], 1e-3).losses
        for step, batch in zip(steps, (sides, arrays, sides), strict=True)
    )
    assert torch.equal(of_device, of_host)
    torch.testing.assert_close(in_parts, of_host)
