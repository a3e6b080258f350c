"""The loss of one side's output: the chosen function on the face, and again on eyes and mouth."""

from collections.abc import Callable
from typing import Any

import keras
from torch import Tensor

from lib.model.losses.pixel import mae, mse
from lib.model.losses.ssim import dssim

Function = Callable[[Tensor, Tensor], Tensor]

FUNCTIONS: dict[str, Function] = {"ssim": dssim, "mae": mae, "mse": mse}
"""Loss functions by the name that the options give them."""

WITH_L2 = frozenset({"ssim"})
"""Functions that are blind to a constant shift of colour and so take an L2 term beside them."""

FACE, EYES, MOUTH = (slice(3 + plane, 4 + plane) for plane in range(3))
"""Channels of a target behind its three colours: where the masks are."""


@keras.saving.register_keras_serializable(package="faceswap")
class FaceLoss(keras.losses.Loss):
    """Loss of a predicted face against a target that carries its masks.

    Parameters
    ----------
    function
        Name in `FUNCTIONS`.
    l2_reg_term
        Weight of the mean squared error beside a function of `WITH_L2`, per cent.
    eye_multiplier, mouth_multiplier
        Weights of the same terms taken on the eyes and on the mouth alone.
    penalized
        Whether the main term sees the masked face only.

    Notes
    -----
    Targets are ``(batch, height, width, 6)``: blue, green, red, then the masks of face, eyes and
    mouth, all 0..1. Predictions are ``(batch, height, width, 3)``.
    """

    def __init__(
        self,
        function: str = "ssim",
        l2_reg_term: float = 100,
        eye_multiplier: float = 3,
        mouth_multiplier: float = 2,
        penalized: bool = True,
        name: str = "face_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.function = function
        self.l2_reg_term = l2_reg_term
        self.eye_multiplier = eye_multiplier
        self.mouth_multiplier = mouth_multiplier
        self.penalized = penalized

    def _terms(self, truth: Tensor, prediction: Tensor) -> Tensor:
        loss = FUNCTIONS[self.function](truth, prediction)
        if self.function in WITH_L2 and self.l2_reg_term:
            loss = loss + self.l2_reg_term / 100 * mse(truth, prediction)
        return loss

    def _masked(self, y_true: Tensor, prediction: Tensor, channel: slice) -> Tensor:
        mask = y_true[..., channel]
        return self._terms(y_true[..., :3] * mask, prediction * mask)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Loss of each sample, ``(batch,)``."""
        if self.penalized:
            loss = self._masked(y_true, y_pred, FACE)
        else:
            loss = self._terms(y_true[..., :3], y_pred)
        loss = loss + self.eye_multiplier * self._masked(y_true, y_pred, EYES)
        return loss + self.mouth_multiplier * self._masked(y_true, y_pred, MOUTH)

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild this loss."""
        return {
            **super().get_config(),
            "function": self.function,
            "l2_reg_term": self.l2_reg_term,
            "eye_multiplier": self.eye_multiplier,
            "mouth_multiplier": self.mouth_multiplier,
            "penalized": self.penalized,
        }


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
        return FUNCTIONS[self.function](y_true[..., FACE], y_pred)

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild this loss."""
        return {**super().get_config(), "function": self.function}
