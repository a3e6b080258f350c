"""AdaBelief, which Keras lacks."""

from typing import Any

import keras
import torch
from torch import Tensor


@keras.saving.register_keras_serializable(package="faceswap")
class AdaBelief(keras.optimizers.Optimizer):
    """Adam that divides by how far gradients stray from their average, not by how large they are.

    Where gradients are as expected a step is long, where they surprise it is short.

    Parameters
    ----------
    learning_rate
        Length of a step where gradients neither stray nor agree.
    beta_1
        Decay of the average gradient, 0..1.
    beta_2
        Decay of the average squared surprise, 0..1.
    epsilon
        Added to the average squared surprise in every iteration, where it grows to
        ``epsilon / (1 - beta_2)``, and once more to its root. Adam's 1e-7 is far too much here: it
        drowns the surprise, and a model hardly learns.
    **kwargs
        Passed on to `keras.optimizers.Optimizer`: weight decay, average of the weights, name.

    Notes
    -----
    With gradient g at iteration t, all element by element::

        m = beta_1 m + (1 - beta_1) g
        s = beta_2 s + (1 - beta_2) (g - m)^2 + epsilon
        w = w - learning_rate (m / (1 - beta_1^t)) / (sqrt(s / (1 - beta_2^t)) + epsilon)

    References
    ----------
    Zhuang et al. 2020, "AdaBelief optimizer: adapting stepsizes by the belief in observed
    gradients", arXiv:2010.07468.
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-16,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the averages of each weight, zeros at first."""
        if self.built:
            return
        super().build(variables)
        self._means, self._surprises = self.add_optimizer_variables(variables, ["mean", "surprise"])

    @torch.no_grad()
    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Any) -> None:
        """Change one weight, where Keras itself trains; `lib.model.optimizers.rules` does not."""
        index = self._get_variable_index(variable)
        mean, surprise = self._means[index].value, self._surprises[index].value
        mean.lerp_(gradient, 1 - self.beta_1)
        stray = gradient - mean
        surprise.mul_(self.beta_2).addcmul_(stray, stray, value=1 - self.beta_2).add_(self.epsilon)
        step = (self.iterations.value + 1).to(mean.dtype)
        scale = (surprise / (1 - self.beta_2**step)).sqrt_().add_(self.epsilon)
        rate = keras.ops.cast(learning_rate, variable.dtype) / (1 - self.beta_1**step)
        variable.value.sub_(rate * mean / scale)

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild this optimizer."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
