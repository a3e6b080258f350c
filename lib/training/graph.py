"""Runs both sides of a model, the layers that they share once over both batches joined."""

from collections.abc import Collection
from typing import Any

import keras
import torch
from torch import Tensor

_BATCH_STATISTICS = (keras.layers.BatchNormalization, keras.layers.SpectralNormalization)


class JoinedGraph:
    """The forward pass of a functional model for training.

    A layer that the model calls once for each side, such as the shared encoder, costs less when it
    is called once on both batches: wider matrix products, and its weights are read once. The result
    is the same to rounding, unless a layer depends on the batch as a whole; such layers are called
    side by side.

    Parameters
    ----------
    model
        A functional model. Its sub-models are called as layers.
    frozen
        Names of layers that run as they do when predicting.

    Notes
    -----
    Keras has no public access to the nodes of a graph; ``_nodes_by_depth`` is where it keeps them.
    """

    def __init__(self, model: keras.Model, frozen: Collection[str] = ()) -> None:
        self._frozen = frozenset(frozen)
        self._inputs = model.inputs
        self._outputs = model.outputs
        depths = sorted(model._nodes_by_depth.items(), reverse=True)
        self._calls = [
            call
            for _, nodes in depths
            for call in _grouped([node for node in nodes if not node.is_input])
        ]

    def __call__(self, inputs: list[Tensor]) -> list[Tensor]:
        """Outputs of the model in training mode.

        Parameters
        ----------
        inputs
            Side A's batch and side B's, ``(batch, height, width, channels)``.

        Returns
        -------
        list of Tensor
            In the order of ``model.outputs``.
        """
        known: dict[int, Any] = {id(k): x for k, x in zip(self._inputs, inputs, strict=True)}
        for nodes in self._calls:
            if len(nodes) > 1 and _same_shape([known[id(n.input_tensors[0])] for n in nodes]):
                results = self._call_joined(nodes, known)
            else:
                results = [self._call(node, known) for node in nodes]
            for node, result in zip(nodes, results, strict=True):
                flat = keras.tree.flatten(result)
                known.update((id(k), x) for k, x in zip(node.outputs, flat, strict=True))
        return [known[id(output)] for output in self._outputs]

    def _call_joined(self, nodes: list[Any], known: dict[int, Any]) -> list[Any]:
        parts = [known[id(node.input_tensors[0])] for node in nodes]
        sizes = [len(part) for part in parts]
        joined = keras.tree.flatten(self._run(nodes[0].operation, torch.cat(parts)))
        split = [result.split(sizes) for result in joined]
        return [list(results) for results in zip(*split, strict=True)]

    def _call(self, node: Any, known: dict[int, Any]) -> Any:
        args, kwargs = node.arguments.fill_in(known)
        return self._run(node.operation, *args, **kwargs)

    def _run(self, operation: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(operation, "_call_has_training_arg", False):
            kwargs["training"] = operation.name not in self._frozen
        return operation(*args, **kwargs)


def _grouped(nodes: list[Any]) -> list[list[Any]]:
    """Nodes of one depth, in groups that may be called as one."""
    groups: dict[int, list[Any]] = {}
    for node in nodes:
        groups.setdefault(id(node.operation), []).append(node)
    return [
        part
        for group in groups.values()
        for part in ([group] if _joinable(group) else [[node] for node in group])
    ]


def _joinable(nodes: list[Any]) -> bool:
    layer = nodes[0].operation
    return (
        isinstance(layer, keras.Layer)
        and all(_takes_one_tensor(node) for node in nodes)
        and not any(isinstance(part, _BATCH_STATISTICS) for part in layer._flatten_layers())
    )


def _takes_one_tensor(node: Any) -> bool:
    args, kwargs = node.arguments.args, node.arguments.kwargs
    plain = all(value is None or value is False for value in kwargs.values())
    return len(args) == 1 and keras.backend.is_keras_tensor(args[0]) and plain


def _same_shape(tensors: list[Tensor]) -> bool:
    return len({tensor.shape[1:] for tensor in tensors}) == 1
