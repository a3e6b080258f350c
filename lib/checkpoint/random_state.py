"""Where all generators of random numbers stand, so that a resumed run draws what follows.

Batches need none of them: they follow from the seed and their number. But a plugin's layers may
draw, as Dropout does.
"""

import random
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch
from numpy.typing import NDArray

from lib.errors import FaceswapError

Arrays = dict[str, NDArray[Any]]


def capture(model: keras.Model) -> Arrays:
    """Note the states of Python's, NumPy's, PyTorch's and Keras' generators, as plain arrays.

    Parameters
    ----------
    model
        Its layers may have generators of their own.
    """
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    assert (version, name) == (3, "MT19937")
    arrays: Arrays = {
        "python": np.array(words, np.uint64),
        "python_gauss": np.array(np.nan if gauss is None else gauss),
        "numpy_keys": np.array(keys),
        "numpy_rest": np.array([position, has_gauss, cached], np.float64),
        "torch": torch.get_rng_state().numpy(),
    }
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    for number, state in enumerate(cuda):
        arrays[f"cuda_{number}"] = state.numpy()
    for number, seed in enumerate(_seeds(model)):
        arrays[f"keras_{number}"] = keras.ops.convert_to_numpy(seed)
    return arrays


def restore(arrays: Arrays, model: keras.Model) -> None:
    """Put all generators where `capture` found them; those that are new since stay as they are.

    Raises
    ------
    FaceswapError
        The states are damaged.
    """
    try:
        gauss = float(arrays["python_gauss"])
        words = tuple(int(word) for word in arrays["python"])
        random.setstate((3, words, None if np.isnan(gauss) else gauss))
        position, has_gauss, cached = arrays["numpy_rest"]
        keys = arrays["numpy_keys"]
        np.random.set_state(("MT19937", keys, int(position), int(has_gauss), float(cached)))
        torch.set_rng_state(torch.from_numpy(arrays["torch"]))
        for number in range(torch.cuda.device_count()):
            if f"cuda_{number}" in arrays:
                torch.cuda.set_rng_state(torch.from_numpy(arrays[f"cuda_{number}"]), number)
        for number, seed in enumerate(_seeds(model)):
            if f"keras_{number}" in arrays:
                seed.assign(arrays[f"keras_{number}"])
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise FaceswapError(f"the states of the random numbers are damaged: {error}") from error


def write(path: Path, arrays: Arrays) -> None:
    """Write states to a file."""
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read(path: Path) -> Arrays:
    """Read states from a file.

    Raises
    ------
    FaceswapError
        The file is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    except Exception as error:  # whatever the readers of a damaged archive run into
        raise FaceswapError(f"'{path}' can't be read: {error}") from error


def _seeds(model: keras.Model) -> list[keras.Variable]:
    """Variables that are no weights: the states of the layers' own generators."""
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]
