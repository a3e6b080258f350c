"""Which weights the outputs of a model depend on.

Where several processes train together, each waits until the gradient of every weight has come; a
weight that no output depends on gets none. PyTorch can look for such weights at every step, and
waits for the GPU to do so; which ones they are follows from the model, so that once is enough.
"""

from collections.abc import Sequence

import keras
import torch
from torch import Tensor

from lib.device import device
from lib.model.passing import Passing
from lib.training.graph import JoinedGraph


def reached_weights(
    graph: JoinedGraph, model: keras.Model, weights: Sequence[keras.Variable]
) -> list[keras.Variable]:
    """Those of the weights that get a gradient.

    Parameters
    ----------
    graph
        Forward pass of `model`; it runs once, on a black face of each side. What it changes in
        passing is put back, generators of random numbers too.
    model
        Its weights' values require gradients where they are to be trained.
    weights
        The weights in question.
    """
    passing = Passing(model)
    passing.remember()
    faces = [torch.zeros((1, *kind.shape[1:]), device=device()) for kind in model.inputs]
    devices = [device()] if device().type == "cuda" else []
    with torch.random.fork_rng(devices):
        found = _leaves(graph(faces))
    passing.put_back()
    return [weight for weight in weights if id(weight.value) in found]


def _leaves(outputs: Sequence[Tensor]) -> set[int]:
    """Identities of the tensors that backward passes from the outputs end in."""
    found, seen = set(), set()
    pending = [output.grad_fn for output in outputs]
    while pending:
        node = pending.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.add(id(node.variable))
        pending.extend(following for following, _ in node.next_functions)
    return found
