"""The loss of one side's output: the chosen functions on the face, and again on eyes and mouth."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import keras
import torch
from torch import Tensor

from lib.model.losses.flip import flip
from lib.model.losses.frequency import ffl
from lib.model.losses.gmsd import gmsd
from lib.model.losses.laplacian import laploss
from lib.model.losses.ms_ssim import ms_dssim
from lib.model.losses.pixel import l_inf_norm, logcosh, mae, mse
from lib.model.losses.robust import pixel_gradient_diff, smooth_loss
from lib.model.losses.ssim import dssim

Function = Callable[[Tensor, Tensor], Tensor]

FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "mae": mae,
    "mse": mse,
    "logcosh": logcosh,
    "smooth_loss": smooth_loss,
    "l_inf_norm": l_inf_norm,
    "ssim": dssim,
    "gmsd": gmsd,
    "pixel_gradient_diff": pixel_gradient_diff,
    "ms_ssim": ms_dssim,
    "laploss": laploss,
    "ffl": ffl,
    "flip": flip,
}
"""Loss functions by the name that the options give them.

Each takes a truth and a prediction ``(batch, height, width, channels)`` in 0..1, of 16 pixels or
more, and gives ``(batch,)``: 0 for equal pictures.
"""

WITH_L2 = frozenset({"ssim", "ms_ssim", "gmsd"})
"""Functions that are blind to a constant shift of colour, or nearly, and so take an L2 term."""

WITH_COLOR_ORDER = frozenset({"flip"})
"""Functions that tell one colour from another, and so take the argument ``color_order``."""

FACE, EYES, MOUTH = (slice(3 + plane, 4 + plane) for plane in range(3))
"""Channels of a target behind its three colours: where the masks are."""


@keras.saving.register_keras_serializable(package="faceswap")
class FaceLoss(keras.losses.Loss):
    """Loss of a predicted face against a target that carries its masks.

    Parameters
    ----------
    functions
        Pairs of a name in `FUNCTIONS` and its weight. A name may stand twice.
    l2_reg_term
        Weight of the mean squared error beside the functions where the first is one of `WITH_L2`,
        per cent.
    eye_multiplier, mouth_multiplier
        Weights of the same terms taken on the eyes and on the mouth alone.
    penalized
        Whether the main term sees the masked face only.
    color_order
        Order of the three colours, ``bgr`` or ``rgb``.

    Notes
    -----
    Targets are ``(batch, height, width, 6)``: three colours, then the masks of face, eyes and
    mouth, all 0..1. Predictions are ``(batch, height, width, 3)``; those of half precision are
    compared in float32.
    """

    def __init__(
        self,
        functions: Sequence[tuple[str, float]] = (("ssim", 1.0),),
        l2_reg_term: float = 100,
        eye_multiplier: float = 3,
        mouth_multiplier: float = 2,
        penalized: bool = True,
        color_order: str = "bgr",
        name: str = "face_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.functions = tuple((function, float(weight)) for function, weight in functions)
        self.l2_reg_term = l2_reg_term
        self.eye_multiplier = eye_multiplier
        self.mouth_multiplier = mouth_multiplier
        self.penalized = penalized
        self.color_order = color_order
        self._weighted = self._weighted_functions()

    def _weighted_functions(self) -> list[tuple[Function, float]]:
        weighted: list[tuple[Function, float]] = []
        for name, weight in self.functions:
            ordered = {"color_order": self.color_order} if name in WITH_COLOR_ORDER else {}
            weighted.append((partial(FUNCTIONS[name], **ordered), weight))
        if self.functions[0][0] in WITH_L2 and self.l2_reg_term:
            weighted.append((mse, self.l2_reg_term / 100))
        return weighted

    def _terms(self, truth: Tensor, prediction: Tensor) -> Tensor:
        terms = [weight * function(truth, prediction) for function, weight in self._weighted]
        return torch.stack(terms).sum(dim=0)

    def _masked(self, y_true: Tensor, prediction: Tensor, channel: slice) -> Tensor:
        mask = y_true[..., channel]
        return self._terms(y_true[..., :3] * mask, prediction * mask)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Loss of each sample, ``(batch,)``."""
        y_pred = _in_full_precision(y_pred)
        if self.penalized:
            loss = self._masked(y_true, y_pred, FACE)
        else:
            loss = self._terms(y_true[..., :3], y_pred)
        loss = loss + self.eye_multiplier * self._masked(y_true, y_pred, EYES)
        return loss + self.mouth_multiplier * self._masked(y_true, y_pred, MOUTH)

    def parts(self, y_true: Tensor, y_pred: Tensor) -> Iterator[tuple[str, Tensor]]:
        """What the loss is the sum of, one at a time, to find out which of them is at fault.

        Yields
        ------
        tuple of str and Tensor
            The part in words, with its option's name, and its share of each sample's loss,
            ``(batch,)``.
        """
        y_pred = _in_full_precision(y_pred)
        names = [f"loss function '{name}'" for name, _ in self.functions] + [
            "L2 term (l2_reg_term)"
        ]
        areas = (
            ("", FACE if self.penalized else None, 1.0),
            (" on the eyes", EYES, self.eye_multiplier),
            (" on the mouth", MOUTH, self.mouth_multiplier),
        )
        for area, channel, multiplier in areas:
            mask = 1.0 if channel is None else y_true[..., channel]
            pair = y_true[..., :3] * mask, y_pred * mask
            for name, (function, weight) in zip(names, self._weighted, strict=False):
                yield name + area, multiplier * (weight * function(*pair))

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild this loss, fit for JSON."""
        return {
            **super().get_config(),
            "functions": [list(pair) for pair in self.functions],
            "l2_reg_term": self.l2_reg_term,
            "eye_multiplier": self.eye_multiplier,
            "mouth_multiplier": self.mouth_multiplier,
            "penalized": self.penalized,
            "color_order": self.color_order,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FaceLoss":
        """Rebuild a loss, also one that was stored when it had one `function` without a weight."""
        arguments = dict(config)
        if "function" in arguments:
            arguments["functions"] = [(arguments.pop("function"), 1.0)]
        return cls(**arguments)


@keras.saving.register_keras_serializable(package="faceswap")
class MaskLoss(keras.losses.Loss):
    """Loss of a predicted mask ``(batch, height, width, 1)`` against a target's face mask.

    Parameters
    ----------
    function
        Name in `FUNCTIONS`; ``mse`` or ``mae``.
    """

    def __init__(self, function: str = "mse", name: str = "mask_loss", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.function = function

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Loss of each sample, ``(batch,)``."""
        return FUNCTIONS[self.function](y_true[..., FACE], _in_full_precision(y_pred))

    def parts(self, y_true: Tensor, y_pred: Tensor) -> Iterator[tuple[str, Tensor]]:
        """What `FaceLoss.parts` yields, of the one part that this has."""
        yield f"mask_loss_function '{self.function}'", self.call(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild this loss."""
        return {**super().get_config(), "function": self.function}


def _in_full_precision(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
