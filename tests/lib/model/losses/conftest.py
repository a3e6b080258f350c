"""Pictures, and the comparison of a loss with a formula of it in float64."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Oracle = Callable[[np.ndarray, np.ndarray], float]
Pair = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def pictures() -> Callable[..., Pair]:
    """Make smooth pictures in 0..1 and noisy copies, float64 ``(batch, height, width, 3)``."""

    def make(height: int = 24, width: int = 0, batch: int = 2, noise: float = 0.1) -> Pair:
        rng = np.random.default_rng(height)
        small = rng.uniform(0.1, 0.9, (batch, 5, 5, 3))
        truth = np.stack([cv2.resize(x, (width or height, height)) for x in small])
        prediction = truth + rng.normal(0, noise, truth.shape)
        return truth, np.clip(prediction, 0.01, 0.99)

    return make


@pytest.fixture
def agrees() -> Callable[[Loss, Oracle, np.ndarray, np.ndarray], None]:
    """Check that a loss and its gradient are those of a formula that takes one pair of pictures."""

    def check(loss: Loss, oracle: Oracle, truth: np.ndarray, prediction: np.ndarray) -> None:
        expected = [oracle(x, y) for x, y in zip(truth, prediction, strict=True)]
        x, y = (torch.from_numpy(image).requires_grad_() for image in (truth, prediction))
        values = loss(x, y)
        np.testing.assert_allclose(values.detach().numpy(), expected, rtol=1e-7)
        single = loss(x.float(), y.float()).detach()
        assert single.dtype == torch.float32
        np.testing.assert_allclose(single.numpy(), expected, rtol=1e-4)
        _check_gradient(oracle, (truth[0], prediction[0]), torch.autograd.grad(values[0], (x, y)))

    return check


def _check_gradient(oracle: Oracle, pair: Pair, gradients: tuple[torch.Tensor, ...]) -> None:
    """Along a few lines through the pair, the gradients say how fast the formula's value moves."""
    rng = np.random.default_rng(1)
    step = 1e-7
    for _ in range(6):
        lines = rng.normal(size=(2, *pair[0].shape))
        ahead, behind = (
            oracle(*(image + sign * step * line for image, line in zip(pair, lines, strict=True)))
            for sign in (1, -1)
        )
        slope = sum(np.vdot(g[0].numpy(), line) for g, line in zip(gradients, lines, strict=True))
        size = np.sqrt(sum(float((g**2).sum()) for g in gradients))
        assert slope == pytest.approx((ahead - behind) / (2 * step), rel=1e-4, abs=1e-4 * size)
