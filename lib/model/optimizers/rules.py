"""How each optimizer changes the weights, for all weights at once and behind a gate.

The formulas are Keras' own, as is where epsilon stands; the factory's docstring names the papers.
Nothing here is read back: what depends on the iteration is computed on the device. Gradients are
used up: what is computed from them takes their place in memory, as to get more is slow.
"""

from collections.abc import Callable
from typing import Any

import keras
import torch
from torch import Tensor

from lib.model.optimizers.adabelief import AdaBelief
from lib.model.optimizers.gate import Gate, Tensors

Rule = Callable[[Any, list[int], Tensors, Tensors, float, Gate], None]
"""Takes an optimizer, the places of the weights among all that it has, their gradients, the weights
themselves, the learning rate, and the gate."""

_FAR = 1e9
"""An iteration so late that the corrections ``1 - beta^t`` are 1, for any beta to 1 - 1e-7."""


def _slots(variables: list[keras.Variable], places: list[int]) -> list[Tensor]:
    return [variables[place].value for place in places]


def _iteration(optimizer: Any, like: Tensor) -> Tensor:
    """Number of this iteration, from 1."""
    iteration: Tensor = (optimizer.iterations.value + 1).to(like.dtype)
    return iteration


def _remember(gate: Gate, averages: Tensors, news: Tensors, keep: float) -> None:
    """``average = keep average + (1 - keep) news``."""
    gate.multiply(averages, keep)
    gate.add(averages, news, 1 - keep)


def _root(squares: Tensors, epsilon: float) -> Tensors:
    """``sqrt(squares) + epsilon``, in place."""
    torch._foreach_sqrt_(squares)
    torch._foreach_add_(squares, epsilon)
    return squares


def _step(
    gate: Gate, weights: Tensors, changes: Tensors, scales: Tensors, rate: float | Tensor
) -> None:
    """``weight = weight - rate changes / scales``."""
    torch._foreach_div_(changes, scales)
    gate.add(weights, changes, -rate)


def adam(
    optimizer: Any, places: list[int], gradients: Tensors, weights: Tensors, rate: float, gate: Gate
) -> None:
    """Adam, and AdamW, whose weight decay has been done before.

    Notes
    -----
    PyTorch's kernel corrects the averages for their start at zero before it adds epsilon, Keras
    after. Told that the iteration is a late one the kernel corrects nothing, and Keras' correction
    goes into the rate::

        w = w - rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)
    """
    t = _iteration(optimizer, weights[0])
    correction = (1 - optimizer.beta_2**t).sqrt() / (1 - optimizer.beta_1**t)
    torch._fused_adam_(
        list(weights),
        list(gradients),
        _slots(optimizer._momentums, places),
        _slots(optimizer._velocities, places),
        [],
        [torch.full_like(gate.is_closed, _FAR)] * len(weights),
        lr=correction * rate,
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        weight_decay=0.0,
        eps=optimizer.epsilon,
        amsgrad=False,
        maximize=False,
        found_inf=gate.is_closed,
    )


def nadam(
    optimizer: Any, places: list[int], gradients: Tensors, weights: Tensors, rate: float, gate: Gate
) -> None:
    """Adam that looks one step ahead; the momentum grows with the iterations."""
    t = _iteration(optimizer, weights[0])
    now, soon = (optimizer.beta_1 * (1 - 0.5 * 0.96**step) for step in (t, t + 1))
    product = optimizer._u_product.value * now
    gate.replace(optimizer._u_product.value, product)
    means = _slots(optimizer._momentums, places)
    squares = _slots(optimizer._velocities, places)
    room = torch._foreach_mul(gradients, gradients)
    _remember(gate, means, gradients, optimizer.beta_1)
    _remember(gate, squares, room, optimizer.beta_2)
    news = (1 - now) / (1 - product)
    torch._foreach_copy_(room, means)
    torch._foreach_mul_(room, soon / (1 - product * soon) / news)
    torch._foreach_add_(gradients, room)
    torch._foreach_copy_(room, squares)
    torch._foreach_div_(room, 1 - optimizer.beta_2**t)
    _step(gate, weights, gradients, _root(room, optimizer.epsilon), news * rate)


def adabelief(
    optimizer: Any, places: list[int], gradients: Tensors, weights: Tensors, rate: float, gate: Gate
) -> None:
    """See `AdaBelief`."""
    t = _iteration(optimizer, weights[0])
    means = _slots(optimizer._means, places)
    surprises = _slots(optimizer._surprises, places)
    _remember(gate, means, gradients, optimizer.beta_1)
    torch._foreach_sub_(gradients, means)
    torch._foreach_mul_(gradients, gradients)
    # Remembered with the rest, where it comes to epsilon.
    torch._foreach_add_(gradients, optimizer.epsilon / (1 - optimizer.beta_2))
    _remember(gate, surprises, gradients, optimizer.beta_2)
    room = torch._foreach_div(surprises, 1 - optimizer.beta_2**t)
    torch._foreach_copy_(gradients, means)
    correction = 1 - optimizer.beta_1**t
    _step(gate, weights, gradients, _root(room, optimizer.epsilon), rate / correction)


def rms_prop(
    optimizer: Any, places: list[int], gradients: Tensors, weights: Tensors, rate: float, gate: Gate
) -> None:
    """The gradient over the root of its average square."""
    squares = _slots(optimizer._velocities, places)
    room = torch._foreach_mul(gradients, gradients)
    _remember(gate, squares, room, optimizer.rho)
    torch._foreach_copy_(room, squares)
    torch._foreach_add_(room, optimizer.epsilon)
    _step(gate, weights, gradients, _root(room, 0.0), rate)


def lion(
    optimizer: Any, places: list[int], gradients: Tensors, weights: Tensors, rate: float, gate: Gate
) -> None:
    """The sign alone of gradient and momentum mixed."""
    means = _slots(optimizer._momentums, places)
    directions = torch._foreach_mul(means, optimizer.beta_1)
    torch._foreach_add_(directions, gradients, alpha=1 - optimizer.beta_1)
    torch._foreach_sign_(directions)
    gate.add(weights, directions, -rate)
    _remember(gate, means, gradients, optimizer.beta_2)


RULES: dict[type[keras.optimizers.Optimizer], Rule] = {
    keras.optimizers.Adam: adam,
    keras.optimizers.Nadam: nadam,
    AdaBelief: adabelief,
    keras.optimizers.RMSprop: rms_prop,
    keras.optimizers.Lion: lion,
}
"""Rules by the class of the optimizer, or by a class that it inherits from, as AdamW from Adam."""
