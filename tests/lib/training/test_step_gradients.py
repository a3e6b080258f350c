"""The step's gradients are those of the same model in plain PyTorch, to rounding."""

from argparse import Namespace
from pathlib import Path

import keras
import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.plain_torch import MODELS, Plain, face_loss
from lib.training.step import TrainingStep
from plugins import loader

EDGE = 64


def shuffled(tensor: Tensor) -> Tensor:
    """Filters of an enlargement, from depth-to-space order to that of PyTorch's pixel shuffle."""
    return tensor.unflatten(-1, (4, -1)).transpose(-1, -2).flatten(-2)


def convolution(kernel: Tensor, bias: Tensor, *, is_up: bool) -> list[Tensor]:
    if is_up:
        kernel, bias = shuffled(kernel), shuffled(bias)
    return [kernel.permute(3, 2, 0, 1), bias]


def as_plain(model: keras.Model, plain: Plain, values: list[Tensor]) -> list[Tensor]:
    """Weights of ours, or their gradients, as the parameters of the plain model lie."""
    by_name = {w.path: v for w, v in zip(model.trainable_variables, values, strict=True)}
    result: list[Tensor] = []
    for part in ("encoder", "decoder_a", "decoder_b"):
        layers = [layer for layer in model.get_layer(part).layers if layer.weights]
        for number, layer in enumerate(layers):
            kernel, bias = (by_name[w.path] for w in layer.trainable_variables)
            if isinstance(layer, keras.layers.Dense):
                result += dense(kernel, bias, plain, is_first=kernel.shape[0] > kernel.shape[1])
            else:
                is_last = part != "encoder" and number == len(layers) - 1
                result += convolution(kernel, bias, is_up=layer.strides == (1, 1) and not is_last)
    return result


def dense(kernel: Tensor, bias: Tensor, plain: Plain, *, is_first: bool) -> list[Tensor]:
    if is_first:
        edge = EDGE >> len(plain.down)
        kernel = kernel.unflatten(0, (edge, edge, -1)).permute(2, 0, 1, 3).flatten(0, 2)
    else:
        _, height, width = plain.grid
        kernel = kernel.unflatten(1, (height, width, -1)).permute(0, 3, 1, 2).flatten(1)
        bias = bias.unflatten(0, (height, width, -1)).permute(2, 0, 1).flatten()
    return [kernel.T, bias]


def plain_gradients(plain: Plain, feeds: list[Tensor], targets: list[Tensor]) -> list[Tensor]:
    predictions = plain(*feeds)
    loss = torch.stack([face_loss(*pair) for pair in zip(targets, predictions, strict=True)]).sum()
    return list(torch.autograd.grad(loss, list(plain.parameters())))


def error(ours: list[Tensor], truth: list[Tensor]) -> float:
    """Largest relative error of a parameter's gradient."""
    return max(
        float(torch.linalg.norm(x.double() - y) / torch.linalg.norm(y))
        for x, y in zip(ours, truth, strict=True)
    )


@pytest.mark.parametrize("name", [pytest.param("original", marks=pytest.mark.slow), "compact"])
def test_gradients_are_those_of_a_plain_implementation(name: str, tmp_path: Path) -> None:
    # One face a side: of millions of activations, some lie within rounding of LeakyReLU's kink, and
    # there a gradient of float32 may be the other slope's.
    keras.utils.set_random_seed(0)
    options = tmp_path / "train.ini"
    options.write_text("[model.compact]\nmixed_precision = False\n")
    plugin = loader.load_model(name)(str(tmp_path), Namespace(configfile=str(options)))
    plugin.build()
    rng = np.random.default_rng(0)
    feeds, targets = (
        [rng.integers(0, 256, (1, EDGE, EDGE, channels), np.uint8) for _ in range(2)]
        for channels in (3, 6)
    )
    step = TrainingStep(plugin.model, plugin.config)
    step._backward([(feeds, targets)])
    values = [weight.value for weight in plugin.model.trainable_variables]

    plain = MODELS[name]()
    ours = as_plain(plugin.model, plain, [value.grad for value in values])
    weights = as_plain(plugin.model, plain, [value.detach() for value in values])
    with torch.no_grad():
        for parameter, weight in zip(plain.parameters(), weights, strict=True):
            parameter.copy_(weight)
    inputs, truths = (
        [torch.from_numpy(x).permute(0, 3, 1, 2) / 255 for x in kind] for kind in (feeds, targets)
    )
    doubles = ([x.double() for x in kind] for kind in (inputs, truths))
    exact = plain_gradients(plain.double(), *doubles)
    assert error(ours, exact) < 2e-5
