"""One training step: forward, losses, backward, update. It reads top to bottom."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from lib.errors import FaceswapError
from lib.model.transfer import frozen_variables
from lib.training.clipping import make_clipping
from lib.training.device import to_device
from lib.training.graph import JoinedGraph
from lib.training.scaling import LossScale

Pixels = NDArray[np.uint8]
Sides = tuple[Sequence[Pixels], Sequence[Pixels]]
"""Feeds, faces for side A's input and for side B's, ``(batch, height, width, 3)``; and targets, for
each output of the model the face with its masks, ``(batch, height, width, 6)``."""


class _Losses(torch.nn.Module):
    """From both sides' faces to the loss of each output."""

    def __init__(
        self,
        forward: JoinedGraph,
        losses: Sequence[keras.losses.Loss],
        weights: Sequence[keras.Variable],
    ) -> None:
        super().__init__()
        self._graph = forward
        self._losses = losses
        self.weights = torch.nn.ParameterList(weight.value for weight in weights)

    def forward(self, inputs: list[Tensor], truths: list[Tensor]) -> Tensor:
        predictions = self._graph(inputs)
        pairs = zip(self._losses, truths, predictions, strict=True)
        # Not called whole: Keras would copy a number to the device for each mean.
        return torch.stack([loss.call(truth, face).mean() for loss, truth, face in pairs])


class TrainingStep:
    """Trains a compiled model on one batch of each side at a time.

    Keras' own ``train_on_batch`` reads the loss back and resets its metrics at every call; this
    does neither, and joins what the two sides share (`JoinedGraph`).

    Parameters
    ----------
    model
        Compiled, with a loss for each output.
    config
        Options by name.
    frozen
        Names of the layers whose weights stay as they are.
    is_shared
        Whether other processes train the same model, and gradients are averaged over all.

    Raises
    ------
    FaceswapError
        Every weight is frozen.
    """

    def __init__(
        self,
        model: keras.Model,
        config: Mapping[str, Any],
        frozen: Collection[str] = (),
        *,
        is_shared: bool = False,
    ) -> None:
        self._optimizer = model.optimizer
        still = {id(w) for w in frozen_variables(model, frozen)} if frozen else set()
        self._weights = [w for w in model.trainable_variables if id(w) not in still]
        if not self._weights:
            raise FaceswapError("--freeze-weights leaves nothing to train: leave it out")
        for weight in model.trainable_variables:
            weight.value.requires_grad_(id(weight) not in still)
        losses = _Losses(JoinedGraph(model, frozen), model.loss, self._weights)
        self._losses = DistributedDataParallel(losses) if is_shared else losses
        self._clip = make_clipping(config)
        is_float16 = config["mixed_precision"] and config["mixed_precision_type"] == "float16"
        self._scale = LossScale() if is_float16 else None

    def __call__(
        self, batches: Sequence[Sides], learning_rate: float, average_momentum: float = 0.0
    ) -> Tensor:
        """Update the weights once, from the mean gradient of one or more batches.

        Parameters
        ----------
        batches
            Feeds and targets of each batch; more than one is gradient accumulation.
        learning_rate
            Of this step.
        average_momentum
            Part of the average of the weights, where one is kept, that this step leaves as it is.

        Returns
        -------
        Tensor
            Mean loss of each output, on the device: reading it is the caller's choice.
        """
        losses = []
        for number, sides in enumerate(batches, 1):
            with self._averaging(is_last=number == len(batches)):
                losses.append(self._accumulate(*sides, 1 / len(batches)))
        # A plugin may have weights that no output depends on.
        weights = [weight for weight in self._weights if weight.value.grad is not None]
        gradients = [weight.value.grad for weight in weights]
        with torch.no_grad():
            if self._scale is None or self._scale.unscale(gradients):
                self._clip(gradients)
                # Filled in place: a new value, as Keras sets it, would wait for a GPU.
                self._optimizer.learning_rate.value.fill_(learning_rate)
                self._optimizer.ema_momentum = average_momentum
                self._optimizer.apply(gradients, weights)
        for weight in weights:
            weight.value.grad = None
        return torch.stack(losses).mean(dim=0)

    def _averaging(self, *, is_last: bool) -> AbstractContextManager[None]:
        """Context of a backward pass; after the last, gradients are averaged over all processes."""
        if is_last or isinstance(self._losses, _Losses):
            return nullcontext()
        return self._losses.no_sync()

    def _accumulate(
        self, feeds: Sequence[Pixels], targets: Sequence[Pixels], share: float
    ) -> Tensor:
        """Add one batch's share to the gradients."""
        inputs = [to_device(feed) for feed in feeds]
        truths = [to_device(target) for target in targets]
        losses: Tensor = self._losses(inputs, truths)
        scale = self._scale.scale if self._scale else 1.0
        torch.autograd.backward(losses.sum() * (share * scale))
        return losses.detach()

    def state(self) -> dict[str, Any]:
        """What a resumed run needs beside weights and optimizer, as JSON can hold it."""
        parts = {"clipping": self._clip, "loss_scale": self._scale}
        return {name: part.state() for name, part in parts.items() if part is not None}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`; what it lacks, because an option was changed, begins anew."""
        if self._scale is not None and "loss_scale" in state:
            self._scale.restore(state["loss_scale"])
        if "clipping" in state:
            self._clip.restore(state["clipping"])
