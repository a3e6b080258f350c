"""The scale of the loss: how it moves, and that it changes nothing but the numbers' range."""

import pytest
import torch

from lib.training.scaling import GROWTH_STEPS, INITIAL, LARGEST, SMALLEST, LossScale


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


def test_it_falls_below_one_for_losses_above_one_but_not_to_nothing() -> None:
    scale = LossScale()
    for _ in range(100):
        scale.unscale(gradients(float("inf")))
    assert 0 < scale.scale == SMALLEST < 1


@pytest.mark.parametrize("wrong", [0, -8, float("nan"), float("inf"), 1e300])
def test_a_scale_out_of_range_is_not_gone_on_from(wrong: float) -> None:
    with pytest.raises(ValueError, match="a scale of"):
        LossScale().restore({"scale": wrong, "good_steps": 0})


def test_a_restored_scale_goes_on_as_the_first() -> None:
    first, second = LossScale(), LossScale()
    first.unscale(gradients(float("inf")))
    first.unscale(gradients(1.0))
    second.restore(first.state())
    assert (second.scale, second.good_steps) == (INITIAL / 2, 1)
