"""Scales the loss so that its gradients fit into float16.

Micikevicius et al. 2018, "Mixed precision training", arXiv:1710.03740, section 3.2: float16 has no
numbers below 6e-8, where many gradients lie. The loss is multiplied by a large scale before the
backward pass, and the gradients are divided by it after. Where one does not fit, the step is
skipped and the scale halved; after many that did, it is doubled.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lib.device import device

INITIAL = 2.0**15
LARGEST = 2.0**24
SMALLEST = 2.0**-24
GROWTH_STEPS = 2000


class LossScale:
    """The scale of the loss, kept as high as the gradients allow.

    It lies on the device and moves there, so that no iteration waits for the last one.

    Attributes
    ----------
    scale : Tensor
        What to multiply the loss by, ``()``, float32.
    good_steps : Tensor
        Steps in a row whose gradients were finite, since the scale last changed; ``()``, int32.
    """

    def __init__(self) -> None:
        self.scale = torch.full((), INITIAL, device=device())
        self.good_steps = torch.zeros((), dtype=torch.int32, device=device())

    def unscale(self, gradients: Sequence[Tensor]) -> None:
        """Divide gradients by the scale, in place.

        Parameters
        ----------
        gradients
            Of a loss that was multiplied by `scale`.
        """
        torch._foreach_mul_(list(gradients), 1 / self.scale)

    def adapt(self, is_finite: Tensor) -> Tensor:
        """Choose the next step's scale.

        Parameters
        ----------
        is_finite
            Whether this step's gradients are, all of them: bool, ``()``. If not, the step must be
            skipped.

        Returns
        -------
        Tensor
            Whether the scale could have been smaller, bool, ``()``. Where it could not, gradients
            that are not finite are no fault of the scale.
        """
        could_shrink = self.scale > SMALLEST
        overflows = is_finite.logical_not().to(torch.float32)
        torch._amp_update_scale_(self.scale, self.good_steps, overflows, 2.0, 0.5, GROWTH_STEPS)
        self.scale.clamp_(SMALLEST, LARGEST)
        return could_shrink

    def state(self) -> dict[str, Any]:
        """What a resumed run goes on from, as JSON can hold it. Waits for the device."""
        return {"scale": float(self.scale), "good_steps": int(self.good_steps)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`.

        Raises
        ------
        ValueError
            Its scale is out of range.
        """
        scale, good_steps = float(state["scale"]), int(state["good_steps"])
        if not SMALLEST <= scale <= LARGEST:
            raise ValueError(f"a scale of {scale}")
        self.scale.fill_(scale)
        self.good_steps.fill_(good_steps)
