"""The one way in which plugins make Keras models."""

from typing import Any

import keras


def KerasModel(inputs: Any, outputs: Any, name: str) -> keras.Model:  # noqa: N802
    """Make a named Keras model.

    Plugins call this and never ``keras.Model``, so that differences between versions of Keras are
    dealt with in one place: nested lists of inputs and outputs are flattened here, because Keras
    would otherwise demand the same nesting at every call.

    Parameters
    ----------
    inputs
        A Keras input, or a (nested) list of them.
    outputs
        A Keras tensor, or a (nested) list of them.
    name
        The model's name.

    Returns
    -------
    keras.Model
    """
    return keras.Model(
        inputs=keras.tree.flatten(inputs), outputs=keras.tree.flatten(outputs), name=name
    )
