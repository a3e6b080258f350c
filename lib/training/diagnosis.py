"""Says why an iteration was bad: a part of the loss, of which side, or the model itself.

A training step knows only that something was not finite, because it waits for nothing. What it
was is found out here, by doing the iteration again part by part, on the rare occasion.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import keras
import torch
from torch import Tensor

from lib.device import device, is_cuda, to_device
from lib.memory import attempt
from lib.model.compiling import loss_names
from lib.model.passing import Passing
from lib.training.graph import JoinedGraph
from lib.training.step import Sides


@dataclass(frozen=True)
class Diagnosis:
    """What was wrong with an iteration.

    Attributes
    ----------
    text
        In words, such as ``"loss function 'ssim' of face_a (side A) is not finite"``.
    rows
        The faces of side "a" and of "b" that it came with, numbered through all batches. A side is
        left out where it is sound, or where no face stands out.
    """

    text: str
    rows: Mapping[str, list[int]] = field(default_factory=dict)


SOUND = Diagnosis("the cause has gone: with the weights as they are now, all is finite")
NO_MEMORY = Diagnosis("not found out, for lack of memory")

_Fault = tuple[str, str, list[int]]
"""What is wrong in words, the side, and rows."""


def diagnose(
    model: keras.Model, batches: Iterable[Sides], frozen: Collection[str] = ()
) -> Diagnosis:
    """Do an iteration again without training, and find what is not finite.

    Predictions are looked at first, then each part of the losses and its gradient with respect to
    the prediction, then the gradients of the weights. The first of them that fails is told for
    each output. The model, its gradients and the generators of random numbers stay as they are;
    what layers draw at random, such as dropout, may therefore differ from what the iteration drew.

    Parameters
    ----------
    model
        Compiled by `lib.model.compiling.compile_model`.
    batches
        Feeds and targets of the iteration. Memory may run out as they are taken, too.
    frozen
        Names of layers whose weights stay as they are.

    Returns
    -------
    Diagnosis
        `SOUND` where all is finite; the weights may have moved on since. `NO_MEMORY` where the
        batches do not fit.
    """
    with _untouched(model):
        return attempt(lambda: _diagnose(model, batches, frozen)) or NO_MEMORY


@contextmanager
def _untouched(model: keras.Model) -> Iterator[None]:
    """Context that puts back what layers change as they run, and random numbers."""
    passing = Passing(model)
    passing.remember()
    devices = [device()] if is_cuda() else []
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        passing.put_back()


def _diagnose(model: keras.Model, batches: Iterable[Sides], frozen: Collection[str]) -> Diagnosis:
    graph = JoinedGraph(model, frozen)
    found: dict[str, dict[str, list[int]]] = {}
    start = 0
    for feeds, targets in batches:
        inputs, truths = ([to_device(x) for x in kind] for kind in (feeds, targets))
        faults = [*_outside(model, graph, inputs, truths)]
        for text, side, rows in faults or _inside(model, graph, inputs, truths):
            found.setdefault(text, {}).setdefault(side, []).extend(start + row for row in rows)
        start += len(feeds[0])
    return Diagnosis("; ".join(found), _merged(found)) if found else SOUND


def _merged(found: Mapping[str, Mapping[str, list[int]]]) -> dict[str, list[int]]:
    sides = {
        side: sorted({row for rows in found.values() for row in rows.get(side, [])})
        for side in "ab"
    }
    return {side: rows for side, rows in sides.items() if rows}


def _outputs(model: keras.Model) -> list[tuple[str, str]]:
    """Name in words and side of each output."""
    half = len(model.outputs) // 2
    sides = ["ab"[index >= half] for index in range(len(model.outputs))]
    return [
        (f"{name} (side {side.upper()})", side)
        for name, side in zip(loss_names(model), sides, strict=True)
    ]


def _outside(
    model: keras.Model, graph: JoinedGraph, inputs: list[Tensor], truths: list[Tensor]
) -> Iterator[_Fault]:
    """What is wrong with predictions and losses."""
    with torch.no_grad():
        predictions = graph(inputs)
    every = zip(_outputs(model), model.loss, truths, predictions, strict=True)
    for (name, side), loss, truth, prediction in every:
        if rows := _bad_rows(prediction):
            yield f"the model's own output {name} is not finite", side, rows
        elif fault := _in_loss(loss, truth, prediction):
            part, rows = fault
            yield f"{part} of {name} is not finite", side, rows


def _in_loss(
    loss: keras.losses.Loss, truth: Tensor, prediction: Tensor
) -> tuple[str, list[int]] | None:
    """The first part of a loss that is not finite, or whose gradient is not, and its rows."""
    prediction = prediction.detach().requires_grad_()
    for name, values in loss.parts(truth, prediction):
        if rows := _bad_rows(values):
            return name, rows
        (gradient,) = torch.autograd.grad(values.sum(), prediction, retain_graph=True)
        if rows := _bad_rows(gradient):
            return f"the gradient of {name}", rows
    return None


def _inside(
    model: keras.Model, graph: JoinedGraph, inputs: list[Tensor], truths: list[Tensor]
) -> Iterator[_Fault]:
    """What is wrong with the gradients of the weights."""
    weights = [weight for weight in model.trainable_variables if weight.value.requires_grad]
    values = [weight.value for weight in weights]
    predictions = graph(inputs)
    every = zip(_outputs(model), model.loss, truths, predictions, strict=True)
    for (name, side), loss, truth, prediction in every:
        mean = loss.call(truth, prediction).mean()
        if not mean.requires_grad:
            continue
        gradients = torch.autograd.grad(mean, values, retain_graph=True, allow_unused=True)
        bad = [
            weight.path
            for weight, gradient in zip(weights, gradients, strict=True)
            if gradient is not None and not gradient.isfinite().all()
        ]
        if bad:
            # The way back begins at the output, so the last is where it first went wrong.
            yield f"the gradient of {name} at weight '{bad[-1]}' is not finite", side, []


def _bad_rows(values: Tensor) -> list[int]:
    """Samples in which something is not finite."""
    bad = ~values.reshape(len(values), -1).isfinite().all(dim=1)
    rows: list[int] = bad.nonzero().flatten().tolist()
    return rows
