"""One training step: forward, losses, backward, update. It reads top to bottom."""

from collections.abc import Sequence

import keras
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.training.device import to_device
from lib.training.graph import JoinedGraph

Pixels = NDArray[np.uint8]


class TrainingStep:
    """Trains a compiled model on one batch at a time.

    Keras' own ``train_on_batch`` reads the loss back and resets its metrics at every call; this
    does neither, and joins what the two sides share (`JoinedGraph`).

    Parameters
    ----------
    model
        Compiled, with a loss for each output.
    """

    def __init__(self, model: keras.Model) -> None:
        self._optimizer = model.optimizer
        self._losses = model.loss
        self._weights = model.trainable_variables
        self._forward = JoinedGraph(model)

    def __call__(self, feeds: Sequence[Pixels], targets: Sequence[Pixels]) -> Tensor:
        """Update the weights once.

        Parameters
        ----------
        feeds
            Faces for side A's input and for side B's, ``(batch, height, width, 3)``.
        targets
            For each output of the model the face with its masks, ``(batch, height, width, 6)``.

        Returns
        -------
        Tensor
            Loss of each output, on the device: reading it is the caller's choice.
        """
        inputs = [to_device(feed) for feed in feeds]
        truths = [to_device(target) for target in targets]

        predictions = self._forward(inputs)
        losses = torch.stack(
            [
                loss(truth, prediction)
                for loss, truth, prediction in zip(self._losses, truths, predictions, strict=True)
            ]
        )

        torch.autograd.backward(losses.sum())
        gradients = [weight.value.grad for weight in self._weights]
        with torch.no_grad():
            self._optimizer.apply(gradients, self._weights)
        for weight in self._weights:
            weight.value.grad = None
        return losses.detach()
