"""The scale of the loss: how it moves, and that it changes nothing but the numbers' range."""

import pytest
import torch

from lib.training.scaling import GROWTH_STEPS, INITIAL, LARGEST, SMALLEST, LossScale

GOOD, BAD = torch.tensor(True), torch.tensor(False)


def at(scale: float, good_steps: int = 0) -> LossScale:
    made = LossScale()
    made.restore({"scale": scale, "good_steps": good_steps})
    return made


def state(scale: float, good_steps: int) -> dict[str, float]:
    return {"scale": scale, "good_steps": good_steps}


def test_gradients_are_divided_by_the_scale() -> None:
    scaled = [torch.full(shape, INITIAL * 0.25) for shape in [(3,), (2, 2)]]
    LossScale().unscale(scaled)
    for gradient in scaled:
        torch.testing.assert_close(gradient, torch.full_like(gradient, 0.25))


def test_a_gradient_that_does_not_fit_halves_the_scale() -> None:
    scale = at(INITIAL, 7)
    scale.adapt(BAD)
    assert scale.state() == state(INITIAL / 2, 0)


def test_many_good_steps_double_it_up_to_the_largest() -> None:
    scale = at(INITIAL, GROWTH_STEPS - 2)
    scale.adapt(GOOD)
    assert scale.state() == state(INITIAL, GROWTH_STEPS - 1)
    scale.adapt(GOOD)
    assert scale.state() == state(INITIAL * 2, 0)
    scale = at(LARGEST, GROWTH_STEPS - 1)
    scale.adapt(GOOD)
    assert scale.state() == state(LARGEST, 0)


def test_it_falls_below_one_for_losses_above_one_but_not_to_nothing() -> None:
    scale = at(1.0)
    could_shrink = [bool(scale.adapt(BAD)) for _ in range(30)]
    assert could_shrink == [True] * 24 + [False] * 6
    assert scale.state() == state(SMALLEST, 0)
    assert 0 < SMALLEST < 1


def test_every_scale_that_it_takes_is_a_power_of_two() -> None:
    # Anything else would round the gradients.
    scale = at(LARGEST)
    for _ in range(48):
        mantissa, _ = torch.frexp(scale.scale)
        assert float(mantissa) == 0.5
        scale.adapt(BAD)


@pytest.mark.parametrize("wrong", [0, -8, float("nan"), float("inf"), 1e300])
def test_a_scale_out_of_range_is_not_gone_on_from(wrong: float) -> None:
    scale = LossScale()
    with pytest.raises(ValueError, match="a scale of"):
        scale.restore({"scale": wrong, "good_steps": 0})
    assert scale.state() == state(INITIAL, 0)


def test_a_restored_scale_goes_on_as_the_first() -> None:
    first, second = LossScale(), LossScale()
    first.adapt(BAD)
    first.adapt(GOOD)
    second.restore(first.state())
    assert second.state() == state(INITIAL / 2, 1)
