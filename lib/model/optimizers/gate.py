"""Changes tensors in place, all at once, unless a flag on the device says not to.

The host can't ask what the flag says without waiting for the device. So every change is given to
the device, and there it is done or not. Values that are no numbers do no harm behind a closed gate:
they are computed with, and what comes of it is not written.
"""

import torch
from torch import Tensor

Tensors = list[Tensor] | tuple[Tensor, ...]


class Gate:
    """Lets changes through, or leaves every bit as it was.

    Parameters
    ----------
    is_open
        Bool, ``()``, on the device of the values.

    Notes
    -----
    PyTorch's fused optimizers read a flag on the device, made for gradients that overflow, and
    leave without a write where it is 1. Plain gradient descent, fused, is all that is needed here:
    with a rate r and a decay d it takes ``r (change + d value)`` off each value, in one pass.

    The kernels walk through memory, not along axes: a value and its change must be laid out alike.
    """

    def __init__(self, is_open: Tensor) -> None:
        self.is_open = is_open
        self.is_closed = is_open.logical_not().to(torch.float32)
        """1 where nothing may change, else 0: what fused optimizers take as ``found_inf``."""

    def multiply(self, values: Tensors, factor: float) -> None:
        """``values *= factor``; a closed gate multiplies by 1, which changes nothing."""
        one = torch.ones_like(self.is_open, dtype=values[0].dtype)
        torch._foreach_mul_(values, one.masked_fill_(self.is_open, factor))

    def add(self, values: Tensors, changes: Tensors, rate: float | Tensor) -> None:
        """``values += rate * changes``; a rate on the device is ``()``, of the values' type."""
        self._descend(values, changes, rate, decay=0.0)

    def approach(self, values: Tensors, aims: Tensors, share: Tensor) -> None:
        """``values += share * (aims - values)``; `share` is as a rate on the device."""
        self._descend(values, aims, share, decay=1.0)

    def replace(self, value: Tensor, other: Tensor) -> None:
        """``value = other``."""
        value.copy_(torch.where(self.is_open, other, value))

    def _descend(
        self,
        values: Tensors,
        changes: Tensors,
        rate: float | Tensor,
        decay: float,
    ) -> None:
        torch._fused_sgd_(
            values,
            changes,
            [],
            weight_decay=decay,
            momentum=0.0,
            lr=rate,
            dampening=0.0,
            nesterov=False,
            maximize=True,
            is_first_step=False,
            found_inf=self.is_closed,
        )
