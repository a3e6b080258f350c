"""What holds of every loss function, whatever its formula."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from lib.model.losses.face import FUNCTIONS

every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


def tensors(pair: tuple[np.ndarray, np.ndarray]) -> tuple[Tensor, Tensor]:
    truth, prediction = (torch.from_numpy(x).float() for x in pair)
    return truth, prediction


def disc(size: int) -> Tensor:
    line = torch.linspace(-1, 1, size)
    return (line[:, None] ** 2 + line**2 < 0.3).float()[None, ..., None]


def one_pixel(x: Tensor) -> Tensor:
    x = x.clone()
    x[:, 5, 5] = 1 - x[:, 5, 5]
    return x


def checks(x: Tensor) -> Tensor:
    i = torch.arange(x.shape[1])
    return ((i[:, None] + i) % 2).float()[None, ..., None].expand_as(x)


DEGENERATE: dict[str, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "equal": lambda x, y: (x, x.clone()),
    "all black": lambda x, y: (x * 0, y * 0),
    "all white": lambda x, y: (x * 0 + 1, x * 0 + 1),
    "black prediction": lambda x, y: (x, y * 0),
    "black truth": lambda x, y: (x * 0, y),
    "black and white": lambda x, y: (x * 0, y * 0 + 1),
    "flat": lambda x, y: (x * 0 + 0.3, y * 0 + 0.5),
    "masked": lambda x, y: (x * disc(32), y * disc(32)),
    "masked and equal": lambda x, y: (x * disc(32), x * disc(32)),
    "one pixel": lambda x, y: (x, one_pixel(x)),
    "negative": lambda x, y: (y, 1 - y),
    "checks against their negative": lambda x, y: (checks(x), 1 - checks(x)),
    "beyond the range": lambda x, y: (x, 3 * y - 1),
    "a shade apart": lambda x, y: (x, x + 1e-7),
    **{
        f"black but for {size}": lambda x, y, size=size: (x * 0, y * size)
        for size in (1e-10, 1e-20, 1e-30, 1e-40)
    },
}


@every_function
@pytest.mark.parametrize("pair", DEGENERATE.values(), ids=DEGENERATE)
def test_value_and_gradients_are_finite_in_degenerate_cases(function, pair, pictures) -> None:
    truth, prediction = (x.requires_grad_() for x in pair(*tensors(pictures(32))))
    value = function(truth, prediction)
    assert torch.isfinite(value).all()
    for gradient in torch.autograd.grad(value.sum(), (truth, prediction)):
        assert torch.isfinite(gradient).all()


@every_function
@pytest.mark.parametrize("pair", ["equal", "all black", "all white", "masked and equal"])
def test_equal_pictures_have_no_loss_and_pull_nowhere(function, pair, pictures) -> None:
    truth, prediction = DEGENERATE[pair](*tensors(pictures(32)))
    prediction.requires_grad_()
    value = function(truth, prediction)
    np.testing.assert_allclose(value.detach(), 0, atol=1e-6)
    (gradient,) = torch.autograd.grad(value.sum(), prediction)
    np.testing.assert_allclose(gradient, 0, atol=1e-5)


@every_function
@pytest.mark.parametrize("size", [(16, 16), (17, 23), (64, 48), (100, 100)])
def test_any_size_will_do_and_single_precision_is_enough(function, size, pictures) -> None:
    truth, prediction = pictures(*size)
    single = function(*tensors((truth, prediction)))
    assert single.shape == (2,)
    assert single.dtype == torch.float32
    double = function(torch.from_numpy(truth), torch.from_numpy(prediction))
    np.testing.assert_allclose(single, double, rtol=1e-4)


@every_function
def test_truth_and_prediction_may_change_places(function, pictures) -> None:
    truth, prediction = tensors(pictures(32))
    one, other = function(truth, prediction), function(prediction, truth)
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


@every_function
def test_samples_of_a_batch_know_nothing_of_each_other(function, pictures) -> None:
    truth, prediction = tensors(pictures(32, batch=3))
    prediction.requires_grad_()
    together = function(truth, prediction)
    for index in range(3):
        alone = function(truth[index : index + 1], prediction[index : index + 1])
        torch.testing.assert_close(together[index], alone[0])
    (gradient,) = torch.autograd.grad(together[1], prediction)
    assert (gradient[[0, 2]] == 0).all()
    assert (gradient[1] != 0).any()


@every_function
def test_more_noise_is_more_loss(function, pictures) -> None:
    levels = [0.01, 0.03, 0.1, 0.3]
    values = torch.stack([function(*tensors(pictures(32, noise=noise))) for noise in levels])
    assert (values.diff(dim=0) > 0).all()


@every_function
def test_descent_along_the_gradient_leads_from_grey_towards_the_truth(function, pictures) -> None:
    truth, noisy = tensors(pictures(24))
    prediction = (0.5 + 0.1 * (noisy - truth)).requires_grad_()
    optimizer = torch.optim.Adam([prediction], lr=0.03)
    before = function(truth, prediction).detach()
    for _ in range(25):
        optimizer.zero_grad()
        function(truth, prediction).sum().backward()
        optimizer.step()
    assert (function(truth, prediction) < 0.9 * before).all()


@every_function
def test_nothing_is_read_back_to_the_host(function) -> None:
    # A tensor without values can't be read: where a function tried to, this would raise.
    truth, prediction = (torch.rand(2, 64, 64, 3, device="meta") for _ in range(2))
    value = function(truth, prediction.requires_grad_())
    assert value.shape == (2,)
    torch.autograd.backward(value.sum())


@every_function
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same(function, pictures) -> None:
    pair = tensors(pictures(64))
    gradients, values = [], []
    for device in ("cpu", "cuda"):
        truth, prediction = (x.to(device) for x in pair)
        values.append(function(truth, prediction.requires_grad_()))
        gradients.append(torch.autograd.grad(values[-1].sum(), prediction)[0].cpu())
    torch.testing.assert_close(values[0], values[1].cpu(), rtol=1e-4, atol=1e-6)
    scale = float(gradients[0].abs().max())
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-3, atol=1e-3 * scale)
