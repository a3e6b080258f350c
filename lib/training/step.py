"""One training step: forward, losses, backward, check, update. It reads top to bottom."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras
import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import get_total_norm

from lib.device import Pixels, to_device
from lib.errors import FaceswapError
from lib.memory import attempt
from lib.model.optimizers.update import Update
from lib.model.passing import Passing
from lib.model.precision import policy
from lib.model.transfer import frozen_variables
from lib.training.clipping import make_clipping
from lib.training.compiled import compiled
from lib.training.graph import JoinedGraph
from lib.training.parts import Parts
from lib.training.reached import reached_weights
from lib.training.scaling import LossScale

Sides = tuple[Sequence[Pixels], Sequence[Pixels]]
"""Feeds, faces for side A's input and for side B's, ``(batch, height, width, 3)``; and targets, for
each output of the model the face with its masks, ``(batch, height, width, 6)``."""

_FLAT = 1e-3
"""A standard deviation far below any face's, so that a face of one colour is not divided by 0."""


@dataclass(frozen=True)
class Outcome:
    """What came of a step. All of it is on the device: reading it is the caller's choice.

    Attributes
    ----------
    losses
        Mean loss of each output, ``(outputs,)``.
    spread
        How much the pixels of each output vary, against those of the face that it should be: mean
        ratio of their standard deviations, ``(outputs,)``; about 1, and about 0 for faces of one
        colour. 1 for a mask.
    is_good
        Whether losses and gradients were finite, bool, ``()``. Gradients that overflow float16
        are skipped as well, but are part of its way, and not held against a step.
    """

    losses: Tensor
    spread: Tensor
    is_good: Tensor


class _Losses(torch.nn.Module):
    """From both sides' faces to the loss of each output, and to its spread."""

    def __init__(
        self,
        forward: JoinedGraph,
        losses: Sequence[Callable[[Tensor, Tensor], Tensor]],
        weights: Sequence[keras.Variable],
    ) -> None:
        super().__init__()
        self._graph = forward
        self._losses = losses
        self.weights = torch.nn.ParameterList(weight.value for weight in weights)

    def forward(self, inputs: list[Tensor], truths: list[Tensor]) -> tuple[Tensor, Tensor]:
        predictions = self._graph(inputs)
        pairs = list(zip(self._losses, truths, predictions, strict=True))
        losses = torch.stack([loss(truth, face).mean() for loss, truth, face in pairs])
        return losses, torch.stack([_spread(truth, face.detach()) for _, truth, face in pairs])


def _spread(truth: Tensor, prediction: Tensor) -> Tensor:
    if prediction.shape[-1] != 3:
        return truth.new_ones(())
    deviations = [_deviation(face.to(truth.dtype)) for face in (prediction, truth[..., :3])]
    return (deviations[0] / deviations[1]).mean()


def _deviation(faces: Tensor) -> Tensor:
    """Standard deviation of each face's values, ``(batch,)``; in a tenth of the time of `std`."""
    mean, square = faces.mean(dim=(1, 2, 3)), faces.square().mean(dim=(1, 2, 3))
    return (square - mean.square()).clamp_min(0).sqrt() + _FLAT


class TrainingStep:
    """Trains a compiled model on one batch of each side at a time.

    Keras' own ``train_on_batch`` reads the loss back and resets its metrics at every call; this
    does neither, and joins what the two sides share (`JoinedGraph`). A step whose losses or
    gradients are not finite changes nothing in the model or its optimizer. Where memory runs out
    the batch goes through in parts (`Parts`).

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
        still = {id(w) for w in frozen_variables(model, frozen)} if frozen else set()
        self._weights = [w for w in model.trainable_variables if id(w) not in still]
        if not self._weights:
            raise FaceswapError("--freeze-weights leaves nothing to train: leave it out")
        for weight in model.trainable_variables:
            weight.value.requires_grad_(id(weight) not in still)
        self._passing = Passing(model)
        self._update = Update(model.optimizer)
        graph = JoinedGraph(model, frozen)
        awaited = reached_weights(graph, model, self._weights) if is_shared else self._weights
        # Not the losses whole: Keras would copy a number to the device for each mean.
        calls = [loss.call for loss in model.loss]
        if config["compile_losses"]:
            programs = {str(loss.get_config()): compiled(loss.call) for loss in model.loss}
            calls = [programs[str(loss.get_config())] for loss in model.loss]
        losses = _Losses(graph, calls, awaited)
        self._is_shared = is_shared
        self._losses = DistributedDataParallel(losses) if is_shared else losses
        self._parts = Parts(is_exact=not _has_batch_statistics(model))
        self._clip = make_clipping(config)
        self._is_protected = config["nan_protection"]
        self._scale = LossScale() if policy(config) == "mixed_float16" else None
        self.before_update: Callable[[], None] = lambda: None
        """Called in each step right before weights and optimizer change."""

    def __call__(
        self, batches: Sequence[Sides], learning_rate: float, average_momentum: float = 0.0
    ) -> Outcome:
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
        Outcome

        Raises
        ------
        FaceswapError
            One face at a time does not fit into memory; or a batch does not, and other processes
            train the same model.
        """
        losses, spread = self._backward(batches)
        # A plugin may have weights that no output depends on.
        weights = [weight for weight in self._weights if weight.value.grad is not None]
        gradients = [weight.value.grad for weight in weights]
        with torch.no_grad():
            is_good, is_taken = self._check(losses, gradients)
            self.before_update()
            self._clip(gradients)
            self._update(gradients, weights, learning_rate, average_momentum, is_taken)
            self._passing.put_back_unless(is_taken)
        self._drop_gradients()
        return Outcome(losses, spread, is_good)

    def _backward(self, batches: Sequence[Sides]) -> tuple[Tensor, Tensor]:
        """Leave gradients in the weights, and give losses and spread; begin anew if need be."""
        self._passing.remember()
        while (done := attempt(lambda: self._accumulate(batches))) is None:
            if self._is_shared:
                raise FaceswapError(
                    "out of memory: lower -b, the batch size, or turn on mixed_precision; several "
                    "processes that train together can't split a batch"
                )
            self._drop_gradients()
            self._passing.put_back()
            self._parts.shrink(len(batches[0][0][0]))
        return done

    def _accumulate(self, batches: Sequence[Sides]) -> tuple[Tensor, Tensor]:
        """Add every part's share to the gradients."""
        parts = [part for sides in batches for part in self._parts.split(*sides)]
        done = []
        for number, (feeds, targets, part) in enumerate(parts, 1):
            share = part / len(batches)
            inputs, truths = ([to_device(x) for x in kind] for kind in (feeds, targets))
            with self._averaging(is_last=number == len(parts)):
                losses, spread = self._losses(inputs, truths)
                total = losses.sum() * share
                torch.autograd.backward(total * self._scale.scale if self._scale else total)
            done.append(torch.stack([losses.detach(), spread]) * share)
        losses, spread = torch.stack(done).sum(dim=0)
        return losses, spread

    def _averaging(self, *, is_last: bool) -> AbstractContextManager[None]:
        """Context of a backward pass; after the last, gradients are averaged over all processes."""
        if is_last or isinstance(self._losses, _Losses):
            return nullcontext()
        return self._losses.no_sync()

    def _check(self, losses: Tensor, gradients: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Unscale the gradients; give whether the step is good, and whether it is to be taken."""
        if self._scale is not None:
            self._scale.unscale(gradients)
        finite = torch.stack([losses.isfinite().all(), get_total_norm(gradients).isfinite()])
        if self._is_shared:
            finite = _agreed(finite)
        is_good = finite.all()
        is_taken = is_good if self._is_protected else torch.ones_like(is_good)
        if self._scale is None:
            return is_good, is_taken
        are_numbers, fits = finite
        is_excused = self._scale.adapt(fits)
        return are_numbers & (fits | is_excused), is_taken & fits

    def _drop_gradients(self) -> None:
        for weight in self._weights:
            weight.value.grad = None

    def state(self) -> dict[str, Any]:
        """What a resumed run needs beside weights and optimizer, as JSON can hold it."""
        parts = {"clipping": self._clip, "loss_scale": self._scale, "parts": self._parts}
        return {name: part.state() for name, part in parts.items() if part is not None}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`; what it lacks, because an option was changed, begins anew."""
        if self._scale is not None and "loss_scale" in state:
            self._scale.restore(state["loss_scale"])
        if "clipping" in state:
            self._clip.restore(state["clipping"])
        if "parts" in state:
            self._parts.restore(state["parts"])


def _has_batch_statistics(model: keras.Model) -> bool:
    return any(isinstance(x, keras.layers.BatchNormalization) for x in model._flatten_layers())


def _agreed(flags: Tensor) -> Tensor:
    """What is true in all processes."""
    said = flags.to(torch.uint8)
    dist.all_reduce(said, op=dist.ReduceOp.MIN)
    return said.to(torch.bool)
