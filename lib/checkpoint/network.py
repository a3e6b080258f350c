"""The configuration of a saved model, looked through before Keras builds anything of it.

Keras makes whatever object a configuration names: layers that carry code, that read files of words,
or that load modules of other libraries. Its safe mode refuses some of them by name. Here it is the
other way round: what a model of pictures is made of is let through, with what this program or a
plugin has registered, and nothing else. The work that building takes is bounded, too, since a
model that calls a smaller one twice, which calls a smaller one twice, and so on, takes few bytes.
"""

import importlib
import sys
from collections.abc import Iterator
from typing import Any, Final

import keras

from lib.checkpoint.archive import UnsafeError

DEEPEST: Final = 96
"""How deep values may be nested. A model within a model takes about six levels."""

MOST_STEPS: Final = 10_000
"""Calls of layers, those in a model as often as that is called itself. The largest networks for
pictures have about a thousand; a step takes up to a millisecond."""

_LAYERS: Final = "keras.src.layers"
ALLOWED: Final = (
    *(
        f"{_LAYERS}.{kind}"
        for kind in (
            *("activations", "attention", "convolutional", "merging", "normalization", "pooling"),
            *("regularization", "reshaping", "rnn", "core.dense", "core.einsum_dense"),
            *("core.embedding", "core.identity", "core.input_layer", "core.masking"),
            *("preprocessing.normalization", "preprocessing.rescaling"),
            "preprocessing.image_preprocessing.resizing",
        )
    ),
    *("keras.src.models.functional", "keras.src.models.sequential"),
    *(f"keras.src.ops.{kind}" for kind in ("core.Cast", "einops", "image", "linalg", "math")),
    *("keras.src.ops.nn", "keras.src.ops.numpy"),
    *("keras.src.optimizers", "keras.src.backend.torch.optimizers", "keras.src.losses"),
    *("keras.src.initializers", "keras.src.regularizers", "keras.src.constraints"),
    *("keras.src.dtype_policies", "keras.src.random.seed_generator"),
)
"""Where Keras defines what a model may be made of: modules, or classes."""

_PREFIXES: Final = tuple(f"{place}." for place in ALLOWED)

FUNCTIONS: Final = frozenset(
    {"builtins"}
    | {
        f"keras.{kind}"
        for kind in ("activations", "constraints", "initializers", "losses", "regularizers")
    }
)
"""Modules under which Keras notes its own functions."""

_PLAIN: Final = frozenset({"__keras_tensor__", "__bytes__", "__slice__", "__ellipsis__"})
_ARRAYS: Final = frozenset({"__tensor__", "__numpy__"})
_NUMBERS: Final = frozenset(
    {"bool", "bfloat16", "float16", "float32", "float64", "uint8", "uint16", "uint32", "uint64"}
    | {"int8", "int16", "int32", "int64"}
)


class UnknownClassError(LookupError):
    """A model has a part that neither Keras nor a plugin defines."""


def check_network(config: Any) -> None:
    """Look through the configuration of a model.

    Parameters
    ----------
    config
        What ``config.json`` holds.

    Raises
    ------
    UnknownClassError
        An object is of a class that is not registered.
    UnsafeError
        An object is not one of a model of pictures, or building would take too long. The nearest
        layer is named.
    """
    if not isinstance(config, dict) or "class_name" not in config:
        raise ValueError("its configuration is none of a model")
    _Walk().steps(config, "the model", 0)


class _Walk:
    """Goes through a configuration in the order in which it is written."""

    def __init__(self) -> None:
        self._shared: dict[Any, int] = {}

    def steps(self, value: Any, where: str, depth: int) -> int:
        """Calls of layers that it takes to make what a value describes."""
        if depth > DEEPEST:
            raise UnsafeError(f"{where} is nested more than {DEEPEST} deep")
        if isinstance(value, list):
            return sum(self.steps(inner, where, depth + 1) for inner in value)
        if not isinstance(value, dict):
            return 0
        if "class_name" in value:
            return self._object(value, _name(value) or where, depth)
        return sum(self.steps(inner, where, depth + 1) for inner in value.values())

    def _object(self, value: dict[str, Any], where: str, depth: int) -> int:
        cls = _check_object(value, where)
        nodes = _nodes(value, where)
        inner = sum(
            self.steps(part, where, depth + 1)
            for key, part in value.items()
            if key != "inbound_nodes"
        )
        is_layer = isinstance(cls, type) and issubclass(cls, keras.Operation)
        steps = (is_layer + inner) * max(1, len(nodes)) * _passes(value["config"], cls)
        steps += self.steps(nodes, where, depth + 1)
        if steps > MOST_STEPS:
            raise UnsafeError(f"{where} takes more than {MOST_STEPS} steps to build")
        # Keras makes the first of those with one number, and never looks at the others.
        number = value.get("shared_object_id")
        if number is not None and self._shared.setdefault(str(number), steps) != steps:
            raise UnsafeError(f"{where} stands for another object")
        return steps


def _name(value: dict[str, Any]) -> str | None:
    config = value["config"] if isinstance(value.get("config"), dict) else {}
    name = value.get("name", config.get("name"))
    return f"layer {name[:80]!r}" if isinstance(name, str) else None


def _check_object(value: dict[str, Any], where: str) -> Any:
    """Refuse what must not be made; the class, where it is one."""
    name, config = value["class_name"], value.setdefault("config", {})
    if not isinstance(name, str):
        raise UnsafeError(f"{where} is of no class")
    if name in _PLAIN:
        return None
    if name in _ARRAYS:
        if not isinstance(config, dict) or config.get("dtype") not in _NUMBERS:
            raise UnsafeError(f"{where} holds an array of no numbers")
        return None
    if name == "__lambda__":
        raise UnsafeError(f"{where} carries code")
    if name == "function":
        return _check_function(value, where)
    return _check_class(value, where)


def _check_function(value: dict[str, Any], where: str) -> None:
    name, module = value["config"], value.get("module")
    if not isinstance(name, str):
        raise UnsafeError(f"{where} calls no function")
    if keras.saving.get_registered_object(name) is not None or module in FUNCTIONS:
        return
    if _is_keras(module):
        raise UnsafeError(f"{where} calls {module}.{name}"[:200])
    raise UnknownClassError(f"Could not locate function {name[:80]!r}")


def _check_class(value: dict[str, Any], where: str) -> Any:
    name, module = value["class_name"], value.get("module")
    registered = value.get("registered_name", name)
    if not isinstance(registered, str | None):
        raise UnsafeError(f"{where} is of no class")
    cls = keras.saving.get_registered_object(registered)
    if cls is None:
        if "module" not in value:
            raise UnsafeError(f"{where} is written as Keras wrote it before version 3")
        if not _is_keras(module):
            raise UnknownClassError(f"Could not locate class {name[:80]!r}")
        cls = _find(str(module), name)
    if not isinstance(cls, type):
        raise UnsafeError(f"{where} is {module}.{name}, which is no class"[:200])
    if _is_keras(cls.__module__) and not _is_allowed(cls.__module__, cls.__name__):
        raise UnsafeError(f"{where} is a {name[:80]}, which no model of pictures needs")
    return cls


def _is_keras(module: Any) -> bool:
    return isinstance(module, str) and f"{module}.".startswith("keras.")


def _find(module: str, name: str) -> Any:
    # Keras imports some of its own modules when it needs them; whatever else it has stays out.
    if _is_allowed(module, name):
        return getattr(importlib.import_module(module), name, None)
    return getattr(sys.modules.get(module), name, None)


def _is_allowed(module: str, name: str) -> bool:
    return f"{module}.{name}.".startswith(_PREFIXES)


def _nodes(value: dict[str, Any], where: str) -> list[Any]:
    """The calls of a layer. One without a symbolic tensor would be computed at once."""
    nodes = value.get("inbound_nodes", [])
    if not isinstance(nodes, list):
        raise UnsafeError(f"{where} has no list of calls")
    for node in nodes:
        if not isinstance(node, dict) or not any(True for _ in _sources(node)):
            raise UnsafeError(f"{where} is called on nothing")
    return nodes


def _sources(value: Any) -> Iterator[Any]:
    """Names of the layers that a call takes its tensors from."""
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        history = value["config"]["keras_history"]
        yield history[0] if history else None
        return
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _sources(part)


def _passes(config: Any, cls: Any) -> int:
    """How often Keras goes through a model's layers to build it."""
    layers = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        return 1
    if isinstance(cls, type) and issubclass(cls, keras.Sequential):
        return max(1, len(layers))
    places = {str(layer.get("name")): place for place, layer in enumerate(layers)}
    return 1 + sum(
        any(places.get(str(source), 0) > place for source in _sources(layer.get("inbound_nodes")))
        for place, layer in enumerate(layers)
    )
