"""Functions compiled by PyTorch."""

import warnings
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import keras
import numpy as np
import pytest
import torch
from torch import Tensor

from lib.config import options, sections
from lib.errors import FaceswapError
from lib.model.compiling import compile_model
from lib.model.losses.face import FaceLoss
from lib.training import compiled as module
from lib.training import step
from lib.training.compiled import compiled


@pytest.mark.slow
def test_a_compiled_loss_and_its_gradient_are_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(2, 32, 32, 6, generator=generator)
    results = []
    for call in (FaceLoss().call, compiled(FaceLoss().call)):
        face = torch.rand(2, 32, 32, 3, generator=torch.Generator().manual_seed(1))
        face.requires_grad_()
        loss = call(truth, face)
        loss.sum().backward()
        results.append((loss.detach(), face.grad))
    for eager, joined in zip(*results, strict=True):
        torch.testing.assert_close(joined, eager)


def failing(direction: str, why: Exception) -> Callable[..., Any]:
    """Stands in for `torch.compile` where nothing compiles on the way there, or back."""

    class Program(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.clone() if direction == "back" else fail()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return fail()

    def fail() -> Tensor:
        raise torch._dynamo.exc.BackendCompilerFailed(fail, why, None)

    return lambda function, *, dynamic: Program.apply


@pytest.mark.parametrize("direction", ["there", "back"])
def test_where_nothing_compiles_the_user_is_told(
    monkeypatch: pytest.MonkeyPatch, direction: str
) -> None:
    monkeypatch.setattr(module.torch, "compile", failing(direction, RuntimeError("No g++")))
    with pytest.raises(FaceswapError, match=r"compile_losses = True: .*No g\+\+.*option off"):
        compiled(torch.neg)(torch.ones(1, requires_grad=True))


@pytest.mark.parametrize("direction", ["there", "back"])
@pytest.mark.parametrize(
    "why", [torch.OutOfMemoryError("No room"), MemoryError(), RuntimeError("CUDA out of memory")]
)
def test_memory_that_runs_out_in_compiling_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, why: Exception, direction: str
) -> None:
    monkeypatch.setattr(module.torch, "compile", failing(direction, why))
    with pytest.raises(torch.OutOfMemoryError, match=type(why).__name__):
        compiled(torch.neg)(torch.ones(1, requires_grad=True))


def test_it_compiles_once_for_each_shape_and_silences_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[int] = []

    def loud(x: Tensor) -> Tensor:
        warnings.warn(f"of {len(x)}", stacklevel=2)
        return x.square()

    def heard(size: int) -> list[str]:
        x = torch.ones(size, requires_grad=True)
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            call(x).sum().backward()
        assert x.grad.tolist() == [2] * size  # nothing of the way back that was taken to compile
        return [str(warning.message) for warning in found]

    def compile_(function: Any, *, dynamic: bool) -> Any:
        said.append(1)
        return function

    monkeypatch.setattr(module.torch, "compile", compile_)
    monkeypatch.setattr(module, "_go_both_ways", MagicMock(wraps=module._go_both_ways))
    call = compiled(loud)
    assert [heard(size) for size in (2, 2, 3, 2, 3)] == [[f"of {n}"] for n in (2, 2, 3, 2, 3)]
    assert module._go_both_ways.call_count == 2
    assert len(said) == 1


def test_losses_alike_share_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = [keras.Input((16, 16, 3)) for _ in "ab"]
    outputs = [
        keras.layers.Conv2D(channels, 3, padding="same")(x) for x in inputs for channels in (3, 1)
    ]
    config = options.merged(cls() for cls in sections.MODEL.values()) | {"compile_losses": True}
    model = compile_model(keras.Model(inputs, outputs), config, "bgr")
    called: list[str] = []

    def named(function: Any) -> Any:
        def call(*tensors: Tensor) -> Tensor:
            called.append(f"{type(function.__self__).__name__} {id(call)}")
            return function(*tensors)

        return call

    monkeypatch.setattr(step, "compiled", named)
    pixels = [np.full((2, 16, 16, channels), 99, np.uint8) for channels in (3, 3, 6, 6, 6, 6)]
    step.TrainingStep(model, config)([(pixels[:2], pixels[2:])], 1e-3)
    face, mask, *others = called
    assert face.startswith("FaceLoss")
    assert mask.startswith("MaskLoss")
    assert others == [face, mask]
