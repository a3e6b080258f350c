"""Parts of a model by name: taking their weights from a saved model, and keeping them as they are.

A part is a sub-model or a layer that the model calls, such as "encoder". Which layer of one model's
part is which of another's is told by three things:

* Names that a plugin gave. Those that Keras gives, such as ``conv2d_3``, count the layers made so
  far in the program: equal ones mean nothing, and they are not looked at.
* Elsewhere, order among layers of equal class and shapes of weights.
* The outputs that a layer leads to: the branch of a mask is never taken for that of a face, though
  their layers may be of equal shapes.
"""

import logging
import math
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import Any

import keras

from lib.checkpoint.store import ModelStore, find_model
from lib.errors import FaceswapError
from lib.model.averaging import take_average

logger = logging.getLogger(__name__)

LISTED = 4
"""Layers that a report names of those that were not taken; it counts the others."""

Pair = tuple[keras.Layer, keras.Layer | None]


@dataclass(frozen=True)
class PartReport:
    """What one part took.

    Attributes
    ----------
    name
        The part.
    weights
        Weights taken, and all that it has.
    parameters
        Numbers in the weights taken, and in all.
    not_taken
        Layers that keep their own weights, each with the shapes that differ.
    """

    name: str
    weights: tuple[int, int]
    parameters: tuple[int, int]
    not_taken: tuple[str, ...]

    @property
    def left_out(self) -> str:
        """The layers that were not taken, the first few by name."""
        more = len(self.not_taken) - LISTED
        return ", ".join(self.not_taken[:LISTED]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True)
class Report:
    """What a model took from another; as a string a line a part, for the log.

    Attributes
    ----------
    source
        Name of the model that gave.
    parts
        What each part took.
    """

    source: str
    parts: tuple[PartReport, ...]

    def __str__(self) -> str:
        return "\n".join(map(self._line, self.parts))

    def _line(self, part: PartReport) -> str:
        left_out = f"; not taken: {part.left_out}" if part.not_taken else ""
        return (
            f"{part.name}: {part.weights[0]} of {part.weights[1]} weights "
            f"({part.parameters[0]:,} of {part.parameters[1]:,} parameters) "
            f"taken from '{self.source}'{left_out}"
        )


def find_source(path: str) -> keras.Model:
    """Load the model that `transfer` takes from.

    Where it keeps a moving average of its weights, it comes with the average in their place. What
    is taken starts a new training, with a new optimizer; nothing ties it to the moment at which the
    old one stopped, and the average is the better model: it is what that model predicts with.

    Parameters
    ----------
    path
        A .keras file, or a folder that holds one model.

    Returns
    -------
    keras.Model

    Raises
    ------
    FaceswapError
        There is no such file, the folder holds no model or several, or the file is damaged or holds
        no face-swap model.
    """
    store = _store(Path(path))
    with warnings.catch_warnings():
        # A model that was saved before its optimizer's first step. There is no average then.
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        model = store.load()
    inputs, outputs = (getattr(model, kind, None) or [] for kind in ("inputs", "outputs"))
    if len(inputs) != 2 or not outputs or len(outputs) % 2:
        raise FaceswapError(
            f"'{store.path}' holds no face-swap model: one takes two faces and gives as many "
            "pictures for A as for B"
        )
    take_average(model)
    return model


def _store(path: Path) -> ModelStore:
    wanted = "--load-weights takes a .keras file, or a folder that holds one model"
    if not path.exists():
        raise FaceswapError(f"there is no '{path}': {wanted}")
    if path.is_file() and path.suffix != ".keras":
        raise FaceswapError(f"'{path}' is no .keras file: {wanted}")
    folder, name = (path.parent, path.stem) if path.is_file() else (path, find_model(str(path)))
    store = ModelStore(str(folder), name)
    if not store.exists:
        raise FaceswapError(f"model folder '{path}' has lost its '{name}.keras': {wanted}")
    return store


def transfer(model: keras.Model, source: keras.Model, names: Collection[str]) -> Report:
    """Take weights from another model.

    A layer is taken whole, where all its weights have the shapes that they have here, or not at
    all: a bias means nothing without its kernel.

    Parameters
    ----------
    model
        New model, whose weights are overwritten.
    source
        Model to take from; see `find_source`.
    names
        Parts to take. One that either model lacks is passed over with a warning.

    Returns
    -------
    Report

    Raises
    ------
    FaceswapError
        There is nothing to take; `model` is as it was.
    """
    here, there = _parts(model, names), _parts(source, names)
    pairs = {name: _pairs(here[name], there[name]) for name in here.keys() & there.keys()}
    parts = tuple(_report(name, pairs[name]) for name in here if name in pairs)
    if not any(part.weights[0] for part in parts):
        why = "; ".join(f"{part.name}: {part.left_out}" for part in parts)
        raise FaceswapError(
            f"saved model '{source.name}' holds no weights that fit: "
            f"{why or 'no layer of it is one to load'}; name one that is more alike with "
            "--load-weights, or leave that option out"
        )
    for ours, theirs in (pair for part in pairs.values() for pair in part):
        if theirs is not None and _fits(ours, theirs):
            for weight, value in zip(ours.weights, theirs.weights, strict=True):
                weight.assign(value.value)
    return Report(source.name, parts)


def frozen_variables(model: keras.Model, names: Collection[str]) -> list[keras.Variable]:
    """Weights that a run keeps as they are, of those that it could train.

    Nothing in the model is marked: what is saved, and the weights that the optimizer looks after,
    are the same whether a run freezes or not.

    Parameters
    ----------
    model
        Model to train.
    names
        Parts to keep; none keeps nothing. One that the model lacks is passed over with a warning.

    Raises
    ------
    FaceswapError
        The model has none of them.
    """
    parts = _parts(model, names)
    if names and not parts:
        raise FaceswapError(
            f"nothing to freeze: model '{model.name}' has no layer {_quoted(names)}; it has "
            f"{_quoted(_known(model))}"
        )
    unique = {id(weight): weight for part in parts.values() for weight in part.trainable_variables}
    return list(unique.values())


def _known(model: keras.Model) -> dict[str, keras.Layer]:
    return {layer.name: layer for layer in model.layers if layer.weights}


def _parts(model: keras.Model, names: Collection[str]) -> dict[str, keras.Layer]:
    known = _known(model)
    if unknown := [name for name in names if name not in known]:
        logger.warning(
            "Model '%s' has no layer %s with weights; it has %s",
            model.name,
            _quoted(unknown),
            _quoted(known),
        )
    return {name: known[name] for name in names if name in known}


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _leaves(part: keras.Layer) -> list[keras.Layer]:
    """Layers with weights, those of nested models too, each once."""
    if not isinstance(part, keras.Model):
        return [part] if part.weights else []
    leaves = [leaf for layer in part.layers for leaf in _leaves(layer)]
    return list({id(leaf): leaf for leaf in leaves}.values())


def _given_names(layers: Sequence[keras.Layer]) -> set[str]:
    """Names that Keras did not make of the class, and that one layer alone bears."""
    times = Counter(layer.name for layer in layers)
    return {
        layer.name
        for layer in layers
        if times[layer.name] == 1
        and re.sub(r"_\d+$", "", layer.name).replace("_", "") != type(layer).__name__.lower()
    }


def _pairs(here: keras.Layer, there: keras.Layer) -> list[Pair]:
    """Each layer of a part with its counterpart, which may not fit, or None."""
    ours, theirs = _leaves(here), _leaves(there)
    shared = _given_names(ours) & _given_names(theirs)
    named = {layer.name: layer for layer in theirs}
    found = {id(layer): named[layer.name] for layer in ours if layer.name in shared}
    for our_branch, their_branch in _branches(here, there):
        found |= _aligned(
            [layer for layer in our_branch if layer.name not in shared],
            [layer for layer in their_branch if layer.name not in shared],
        )
    return [(layer, found.get(id(layer))) for layer in ours]


def _branches(
    here: keras.Layer, there: keras.Layer
) -> Iterator[tuple[list[keras.Layer], list[keras.Layer]]]:
    """Layers that lead to the same ones of the common outputs, here and there, in order."""
    common = _common_outputs(here, there)
    ours = _by_outputs(here, [index for index, _ in common])
    theirs = _by_outputs(there, [index for _, index in common])
    for outputs, layers in ours.items():
        if any(outputs):
            yield layers, theirs.get(outputs, [])


def _by_outputs(part: keras.Layer, outputs: list[int]) -> dict[tuple[bool, ...], list[keras.Layer]]:
    if hasattr(part, "output_names"):
        paths = [keras.Model(part.inputs, part.outputs[index]) for index in outputs]
    else:
        paths = [part for _ in outputs]
    reached = [{id(leaf) for leaf in _leaves(path)} for path in paths]
    groups: dict[tuple[bool, ...], list[keras.Layer]] = {}
    for leaf in _leaves(part):
        groups.setdefault(tuple(id(leaf) in ids for ids in reached), []).append(leaf)
    return groups


def _common_outputs(here: keras.Layer, there: keras.Layer) -> list[tuple[int, int]]:
    """Positions of the outputs that both have: by names given, without such by order."""
    ours, theirs = _output_names(here), _output_names(there)
    if shared := [name for name in ours if name and name in theirs]:
        return [(ours.index(name), theirs.index(name)) for name in shared]
    return [(index, index) for index in range(len(ours))] if len(ours) == len(theirs) else []


def _output_names(part: keras.Layer) -> list[str | None]:
    names = getattr(part, "output_names", [None])
    given = _given_names(getattr(part, "layers", []))
    return [name if name in given else None for name in names]


def _aligned(ours: list[keras.Layer], theirs: list[keras.Layer]) -> dict[int, keras.Layer]:
    """Counterparts by order: the longest runs that fit first, then layers of a class between."""
    runs = SequenceMatcher(None, _kinds(ours), _kinds(theirs), autojunk=False).get_opcodes()
    found: dict[int, keras.Layer] = {}
    for run, i, i_end, j, j_end in runs:
        between = theirs[j:j_end]
        if run == "equal":
            found.update(zip(map(id, ours[i:i_end]), between, strict=True))
            continue
        for layer in ours[i:i_end]:
            like = [other for other in between if type(other).__name__ == type(layer).__name__]
            if like:
                found[id(layer)] = like[0]
                between.remove(like[0])
    return found


def _kinds(layers: list[keras.Layer]) -> list[tuple[Any, ...]]:
    return [(type(layer).__name__, *_shapes(layer)) for layer in layers]


def _shapes(layer: keras.Layer) -> list[tuple[str, tuple[int, ...]]]:
    return [(weight.name, tuple(weight.shape)) for weight in layer.weights]


def _fits(ours: keras.Layer, theirs: keras.Layer | None) -> bool:
    return theirs is not None and _shapes(ours) == _shapes(theirs)


def _report(name: str, pairs: list[Pair]) -> PartReport:
    every = [weight for ours, _ in pairs for weight in ours.weights]
    taken = [weight for pair in pairs if _fits(*pair) for weight in pair[0].weights]
    return PartReport(
        name,
        (len(taken), len(every)),
        (sum(math.prod(w.shape) for w in taken), sum(math.prod(w.shape) for w in every)),
        tuple(_difference(*pair) for pair in pairs if not _fits(*pair)),
    )


def _difference(ours: keras.Layer, theirs: keras.Layer | None) -> str:
    if theirs is None:
        return f"{ours.name} (none there)"
    for here, there in zip_longest(_shapes(ours), _shapes(theirs)):
        if here != there:
            return f"{ours.name} ({_shown(there)} there, {_shown(here)} here)"
    raise AssertionError("they fit")


def _shown(weight: tuple[str, tuple[int, ...]] | None) -> str:
    return "x".join(map(str, weight[1])) if weight else "no such weight"
