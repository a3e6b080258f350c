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

INITIAL = 2.0**15
LARGEST = 2.0**24
SMALLEST = 2.0**-24
GROWTH_STEPS = 2000


class LossScale:
    """The scale of the loss, kept as high as the gradients allow.

    Attributes
    ----------
    scale : float
        What to multiply the loss by.
    good_steps : int
        Steps in a row whose gradients were finite, since the scale last changed.
    """

    def __init__(self) -> None:
        self.scale = INITIAL
        self.good_steps = 0

    def unscale(self, gradients: Sequence[Tensor]) -> bool:
        """Divide gradients by the scale, in place, and choose the next step's scale.

        This reads the device back, once an iteration; without float16 nothing in a step does.

        Parameters
        ----------
        gradients
            Of a loss that was multiplied by `scale`.

        Returns
        -------
        bool
            Whether all are finite; if not, the step must be skipped.
        """
        torch._foreach_mul_(list(gradients), 1 / self.scale)
        is_finite = bool(torch.nn.utils.get_total_norm(gradients).isfinite())
        self.good_steps = self.good_steps + 1 if is_finite else 0
        if not is_finite:
            self.scale = max(SMALLEST, self.scale / 2)
        elif self.good_steps == GROWTH_STEPS:
            self.scale, self.good_steps = min(LARGEST, self.scale * 2), 0
        return is_finite

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to go on from here, as JSON can hold it."""
        return {"scale": self.scale, "good_steps": self.good_steps}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`.

        Raises
        ------
        ValueError
            Its scale is out of range.
        """
        self.scale, self.good_steps = float(state["scale"]), int(state["good_steps"])
        if not SMALLEST <= self.scale <= LARGEST:
            raise ValueError(f"a scale of {self.scale}")
