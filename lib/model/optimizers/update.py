"""One change of the weights by what their optimizer has learned, or none."""

from collections.abc import Sequence

import keras
from torch import Tensor

from lib.model.optimizers.gate import Gate, Tensors
from lib.model.optimizers.rules import RULES


class Update:
    """Does what ``optimizer.apply`` does, without a wait for the device, and only if it is good.

    The optimizer stays the place where all of it is kept: its variables are changed, which are
    saved with the model.

    Parameters
    ----------
    optimizer
        Built, and made by `lib.model.optimizers.factory`.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer) -> None:
        self._optimizer = optimizer
        self._rule = next(rule for kind, rule in RULES.items() if isinstance(optimizer, kind))
        for variable in [*optimizer._trainable_variables, *optimizer.variables]:
            # Some initializers leave a weight transposed: see `Gate`.
            variable.value.data = variable.value.data.contiguous()

    def __call__(
        self,
        gradients: Tensors,
        weights: Sequence[keras.Variable],
        learning_rate: float,
        average_momentum: float,
        is_good: Tensor,
    ) -> None:
        """Change weights, moments, the average of the weights, and the count of iterations.

        Parameters
        ----------
        gradients
            One for each of `weights`, laid out in memory as these. They are used up.
        weights
            Those to change; at least one. They are of one type.
        learning_rate
            Of this step.
        average_momentum
            Part of the average of the weights, where one is kept, that stays as it is. All weights
            that the optimizer has are averaged, also those that do not change.
        is_good
            Bool, ``()``, on the device. False leaves every bit as it was, whatever the gradients.
        """
        gate = Gate(is_good)
        values = [weight.value for weight in weights]
        if self._optimizer.weight_decay:
            gate.multiply(values, 1 - learning_rate * self._optimizer.weight_decay)
        places = [self._optimizer._get_variable_index(weight) for weight in weights]
        self._rule(self._optimizer, places, gradients, values, learning_rate, gate)
        if self._optimizer.use_ema:
            self._average(average_momentum, gate)
        for weight in weights:
            if weight.constraint is not None:
                gate.replace(weight.value, weight.constraint(weight.value))
        self._optimizer.iterations.value.add_(is_good)

    def _average(self, momentum: float, gate: Gate) -> None:
        """``average = momentum average + (1 - momentum) weight``; at first the weight itself."""
        values = [weight.value for weight in self._optimizer._trainable_variables]
        averages = [average.value for average in self._optimizer._model_variables_moving_average]
        is_later = self._optimizer.iterations.value.ne(0).to(values[0].dtype)
        gate.approach(averages, values, 1 - momentum * is_later)
