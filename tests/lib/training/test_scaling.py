"""The scale of the loss: how it moves, and that it changes nothing but the numbers' range."""

import pytest
import torch

from lib.training.scaling import GROWTH_STEPS, INITIAL, LARGEST, LossScale


def gradients(value: float) -> list[torch.Tensor]:
    return [torch.full((3,), value), torch.full((2, 2), value)]


def test_gradients_are_divided_by_the_scale() -> None:
    scale = LossScale()
    scaled = gradients(INITIAL * 0.25)
    assert scale.unscale(scaled)
    for gradient in scaled:
        torch.testing.assert_close(gradient, torch.full_like(gradient, 0.25))


@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
def test_a_gradient_that_does_not_fit_halves_the_scale(bad: float) -> None:
    scale = LossScale()
    scale.good_steps = 7
    assert not scale.unscale([*gradients(1.0), torch.tensor([1.0, bad])])
    assert (scale.scale, scale.good_steps) == (INITIAL / 2, 0)


def test_many_good_steps_double_it_up_to_the_largest() -> None:
    scale = LossScale()
    scale.good_steps = GROWTH_STEPS - 1
    assert scale.unscale(gradients(1.0))
    assert (scale.scale, scale.good_steps) == (INITIAL * 2, 0)
    scale.scale, scale.good_steps = LARGEST, GROWTH_STEPS - 1
    scale.unscale(gradients(1.0))
    assert scale.scale == LARGEST


def test_it_never_falls_below_one() -> None:
    scale = LossScale()
    scale.scale = 1.0
    scale.unscale(gradients(float("inf")))
    assert scale.scale == 1.0


def test_a_restored_scale_goes_on_as_the_first() -> None:
    first, second = LossScale(), LossScale()
    first.unscale(gradients(float("inf")))
    first.unscale(gradients(1.0))
    second.restore(first.state())
    assert (second.scale, second.good_steps) == (INITIAL / 2, 1)
