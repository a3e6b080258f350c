"""Functions compiled by PyTorch."""

import pytest
import torch
from torch import Tensor

from lib.errors import FaceswapError
from lib.model.losses.face import FaceLoss
from lib.training import compiled as module
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


def test_where_nothing_compiles_the_user_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_in_vain(function: object, *, dynamic: bool) -> object:
        def fail(*_: Tensor) -> Tensor:
            raise torch._dynamo.exc.BackendCompilerFailed(fail, RuntimeError("No g++"), None)

        return fail

    monkeypatch.setattr(module.torch, "compile", compile_in_vain)
    with pytest.raises(FaceswapError, match=r"compile_losses = True: .*No g\+\+.*option off"):
        compiled(torch.neg)(torch.ones(1))
