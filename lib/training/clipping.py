"""Makes gradients that are too long shorter before they change the weights.

All of it happens on the device: nothing is read back, so nothing waits. Gradients that are not
finite do not become so here, with one exception: `ClipValue` makes a finite value of an infinite
one. What looks for overflow has to look before.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from lib.device import device

HISTORY = 1000
"""How many of the newest norms autoclip goes by."""


class Clipping:
    """Leaves gradients as they are. The classes below change them.

    What a class learns from the gradients is its state, which goes with the model.
    """

    def __call__(self, gradients: list[Tensor]) -> None:
        """Change the gradients of one iteration in place.

        Parameters
        ----------
        gradients
            One for each weight, of any shapes, on one device.
        """

    def state(self) -> dict[str, Any]:
        """What has been learned, as JSON can hold it. Waits for the device."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave; from the state of another class nothing is taken."""


class ClipNorm(Clipping):
    """Scales each weight's gradient by itself to a norm of at most `limit`."""

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def __call__(self, gradients: list[Tensor]) -> None:
        """Scale each gradient by ``min(1, limit / norm)``."""
        norms = torch.stack(torch._foreach_norm(gradients))
        torch._foreach_mul_(gradients, _scale(self._limit, norms).unbind())


class ClipGlobalNorm(Clipping):
    """Scales all gradients by one factor, so that their joint norm is at most `limit`.

    The step keeps its direction (Pascanu et al. 2013, arXiv:1211.5063).
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def __call__(self, gradients: list[Tensor]) -> None:
        """Scale the gradients by ``min(1, limit / joint norm)``."""
        torch._foreach_mul_(gradients, _scale(self._limit, get_total_norm(gradients)))


class ClipValue(Clipping):
    """Keeps every single value within ``-limit..limit``."""

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def __call__(self, gradients: list[Tensor]) -> None:
        """Cut off what lies beyond the limit."""
        torch._foreach_clamp_min_(gradients, -self._limit)
        torch._foreach_clamp_max_(gradients, self._limit)


class AutoClip(Clipping):
    """Scales all gradients so that their joint norm is at most a percentile of those seen so far.

    Parameters
    ----------
    percentile
        0..100. With 10, nine iterations in ten are scaled down, to what the shortest had.

    Notes
    -----
    The percentile is taken over the newest `HISTORY` norms as they were before clipping, this
    iteration's among them; the paper takes all since the start. A norm that is not finite is not
    remembered.

    References
    ----------
    Seetharaman et al. 2020, "AutoClip: adaptive gradient clipping for source separation networks",
    arXiv:2007.14469.
    """

    def __init__(self, percentile: float) -> None:
        self._share = percentile / 100
        self._remember([])

    def __call__(self, gradients: list[Tensor]) -> None:
        """Remember the joint norm, and scale the gradients."""
        norm = get_total_norm(gradients)
        self._add(norm)
        limit = torch.nanquantile(self._norms, self._share)
        torch._foreach_mul_(gradients, _scale(limit, norm))

    def _add(self, norm: Tensor) -> None:
        """Put a norm in the oldest one's place. The place moves on only if the norm is finite."""
        finite = norm.isfinite()
        oldest = self._norms.gather(0, self._place)
        newest = torch.where(finite, norm.to(self._norms.dtype), oldest)
        self._norms.scatter_(0, self._place, newest)
        self._place.add_(finite).remainder_(HISTORY)

    def _remember(self, norms: list[float]) -> None:
        """Begin with these norms, the oldest first. NaN marks a place that was never used."""
        unused = [float("nan")] * (HISTORY - len(norms))
        self._norms = torch.tensor(norms + unused, dtype=torch.float32, device=device())
        self._place = torch.tensor([len(norms) % HISTORY], device=device())

    def state(self) -> dict[str, Any]:
        """The norms that are remembered, ``{"norms": [oldest, ..., newest]}``."""
        ordered = self._norms.roll(-int(self._place)).tolist()
        return {"norms": [norm for norm in ordered if not math.isnan(norm)]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave, exactly."""
        self._remember(state.get("norms", [])[-HISTORY:])


def _scale(limit: float | Tensor, norm: Tensor) -> Tensor:
    # A gradient of zeros stays what it is.
    smallest = torch.finfo(norm.dtype).tiny
    return (limit / norm.clamp(min=smallest)).clamp(max=1).to(norm.dtype)


def make_clipping(config: Mapping[str, Any]) -> Clipping:
    """Make what the options ask for.

    Parameters
    ----------
    config
        Options by name: ``gradient_clipping`` (None for none), ``clipping_value``,
        ``autoclip_percentile``.
    """
    limit = config["clipping_value"]
    match config["gradient_clipping"]:
        case "norm":
            return ClipNorm(limit)
        case "global_norm":
            return ClipGlobalNorm(limit)
        case "value":
            return ClipValue(limit)
        case "autoclip":
            return AutoClip(config["autoclip_percentile"])
        case name:
            assert name is None, f"no clipping is called '{name}'"
            return Clipping()
