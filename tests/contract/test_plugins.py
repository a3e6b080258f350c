"""Every model plugin goes through one suite: build, train, save, resume, predict both ways."""

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch

from lib.training.step import TrainingStep
from plugins import loader
from plugins.train.model._base import ModelBase

USERS = Path(__file__).parents[1] / "fixtures" / "plugins"
NAMES = [
    pytest.param(name, marks=pytest.mark.slow if name == "original" else ())
    for name in loader.model_names(str(USERS))
]
BATCH = 2


def make(name: str, folder: Path, *, predict: bool = False, swap: bool = False) -> ModelBase:
    arguments = Namespace(configfile=None, plugin_dir=str(USERS), no_logs=True, swap_model=swap)
    model = loader.load_model(name, str(USERS))(str(folder), arguments, predict)
    model.build()
    return model


def pixels(shape: tuple[int, ...], channels: int, seed: int) -> np.ndarray:
    size = (BATCH, *shape[:2], channels)
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)


def predict(model: ModelBase, *feeds: np.ndarray) -> list[np.ndarray]:
    tensors = [torch.from_numpy(feed).float() / 255 for feed in feeds]
    with torch.no_grad():
        outputs = model.model(tensors if len(tensors) > 1 else tensors[0], training=False)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return [output.numpy() for output in outputs]


@pytest.mark.parametrize("name", NAMES)
def test_a_plugin_trains_saves_resumes_and_predicts(name: str, tmp_path: Path) -> None:
    model = make(name, tmp_path / "model")
    check_shape(model, name)
    feeds = [pixels(tensor.shape[1:], 3, seed) for seed, tensor in enumerate(model.model.inputs)]
    targets = [
        pixels(shape, 6, seed)
        for seed, shape in enumerate(shape for side in model.output_shapes for shape in side)
    ]
    check_step(model, feeds, targets)
    model.save()
    check_resume(model, make(name, tmp_path / "model"), feeds)
    check_swap(model, tmp_path / "model", feeds)


def check_shape(model: ModelBase, name: str) -> None:
    assert model.name == model.model.name == name
    side_a, side_b = model.output_shapes
    assert len(side_a) == len(side_b) > 0
    assert all(output.dtype == "float32" for output in model.model.outputs)
    faces = [shape for shape in side_a if shape[2] == 3]
    assert faces, "each side gives at least one face"
    assert all(shape[0] == shape[1] for shape in side_a + side_b)


def check_step(model: ModelBase, feeds: list[np.ndarray], targets: list[np.ndarray]) -> None:
    before = [weight.numpy().copy() for weight in model.model.trainable_variables]
    losses = TrainingStep(model.model)(feeds, targets)
    assert losses.shape == (len(targets),)
    assert torch.isfinite(losses).all()
    for weight, old in zip(model.model.trainable_variables, before, strict=True):
        assert not np.array_equal(weight.numpy(), old), f"{weight.path} does not train"


def check_resume(model: ModelBase, again: ModelBase, feeds: list[np.ndarray]) -> None:
    for ours, theirs in zip(predict(again, *feeds), predict(model, *feeds), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    pairs = zip(again.model.optimizer.variables, model.model.optimizer.variables, strict=True)
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def check_swap(model: ModelBase, folder: Path, feeds: list[np.ndarray]) -> None:
    both = predict(model, feeds[1], feeds[0])
    half = len(both) // 2
    swapped = make(model.name, folder, predict=True, swap=True)
    for ours, theirs in zip(predict(swapped, feeds[1]), both[:half], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    straight = make(model.name, folder, predict=True)
    for ours, theirs in zip(predict(straight, feeds[0]), both[half:], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
