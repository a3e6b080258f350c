"""A model that is built like another one and takes no memory, for Keras to say how it is saved."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, zip_longest
from pathlib import Path

import keras
from torch import Tensor

from lib.checkpoint import random_state
from lib.checkpoint.copies import variables_of
from lib.checkpoint.held import Held
from lib.checkpoint.layout import Layout, marked
from lib.errors import FaceswapError

_MOST_AROUND = 1 << 13
"""Bytes in a file around each value: more than Keras' names and HDF5's tables take."""


class StandIn:
    """Stands in for a model that trains, where it is saved.

    Parameters
    ----------
    model
        The model, compiled.

    Raises
    ------
    FaceswapError
        The model can't be built from what is saved of it, or becomes another one.
    """

    def __init__(self, model: keras.Model) -> None:
        numbers = random_state.capture(model)
        self._model = _like(model)
        random_state.restore(numbers, model)  # to build it took some
        _check_alike(model, self._model)
        self._config = json.dumps(keras.saving.serialize_keras_object(model))
        self._nothing = [variable.value for variable in variables_of(self._model)]

    def draw(self, folder: Path) -> Layout:
        """Let Keras write the model, to see where in its file each value goes.

        Parameters
        ----------
        folder
            Where to write. It is empty, and what is left there may go.

        Returns
        -------
        Layout

        Raises
        ------
        UnclearError
            It can't be told. `save` does without it.
        OSError
            A file as large as the model's can't be written.
        """
        values = marked(self._nothing)
        most = sum(value.nbytes + _MOST_AROUND for value in values)
        if shutil.disk_usage(folder).free < most:  # HDF5 may crash where it runs out of room
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with self._filled(values):
            self._model.save(folder / "model", zipped=False)
            return Layout.of(folder / "model", values, self._config)

    def save(self, path: Path, held: Held) -> None:
        """Let Keras save the values of the model, of which it needs copies.

        Parameters
        ----------
        path
            The ``.keras`` file to write.
        held
            The values.

        Raises
        ------
        FaceswapError, OSError
            As `Layout.save`.
        """
        order = range(len(self._nothing))
        held.expect(order)
        with self._filled([held.copy(number) for number in order]):
            self._model.save(path)

    @contextmanager
    def _filled(self, values: Sequence[Tensor]) -> Iterator[None]:
        """Context in which the model has these values; not copies, which assigning would make."""
        variables = variables_of(self._model)
        for variable, value in zip(variables, values, strict=True):
            variable._value = value
        try:
            yield
        finally:
            for variable, nothing in zip(variables, self._nothing, strict=True):
                variable._value = nothing


def _like(model: keras.Model) -> keras.Model:
    """Build a model of what is saved of another one, on a device where nothing takes memory."""
    optimizer_config = model.optimizer.get_config()
    try:
        with keras.device("meta"):
            made = type(model).from_config(model.get_config())
            optimizer = type(model.optimizer).from_config(optimizer_config)
            made.compile(
                optimizer=optimizer, loss=model.loss, jit_compile=False, auto_scale_loss=False
            )
            optimizer.build(made.trainable_variables)
    except Exception as error:  # whatever a plugin's layers do
        raise _lost(model, str(error).strip().partition("\n")[0]) from error
    return made


def _check_alike(model: keras.Model, made: keras.Model) -> None:
    """Check that values of the one can be told by their number in the other."""
    pairs = chain(
        zip_longest(model.variables, made.variables),
        zip_longest(model.optimizer.variables, made.optimizer.variables),
    )
    for ours, theirs in pairs:
        here, there = _kind(ours), _kind(theirs)
        if here != there:
            path = (theirs if ours is None else ours).path
            raise _lost(model, f"'{path}' is {here} and would become {there}")


def _kind(variable: keras.Variable | None) -> str:
    if variable is None:
        return "not there"
    return f"{variable.dtype} of shape {tuple(variable.shape)}"


def _lost(model: keras.Model, why: str) -> FaceswapError:
    return FaceswapError(
        f"model '{model.name}' could be saved, but not loaded again ({why}): layers of a plugin's "
        "own need @keras.saving.register_keras_serializable() and get_config(), which has to tell "
        "all that __init__ takes, and no two of them may share a layer"
    )
