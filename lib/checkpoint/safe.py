"""Loads model files that nobody vouches for.

A ``.keras`` file can name code to run, files to read and terabytes to take. It is looked through
from the outside in, and Keras sees it last: the archive, the configuration, the weights, and then
what Keras makes of them.
"""

from pathlib import Path
from typing import Any, BinaryIO, Final

import keras

from lib.checkpoint.archive import UnsafeError, read_members
from lib.checkpoint.budget import limited
from lib.checkpoint.network import UnknownClassError, check_network
from lib.checkpoint.weights import count_values
from lib.errors import FaceswapError
from lib.memory import is_out_of_memory

MOST_COPIES: Final = 6
"""Numbers that a model makes for each one in its file. One that was saved before its optimizer's
first step holds weights alone; Adam with all that Keras offers makes two or three moments, an
average and a sum of gradients beside each."""

SPARE: Final = 1 << 22
"""Numbers that any model may make."""


class ModelFileError(FaceswapError):
    """A model file can't be loaded.

    The message says which and why. What to do depends on where the file comes from, so whoever
    asked for it adds that.
    """


def load_safely(path: Path) -> keras.Model:
    """Load a model and its optimizer.

    Parameters
    ----------
    path
        A ``.keras`` file.

    Returns
    -------
    keras.Model

    Raises
    ------
    ModelFileError
        The file can't be read, is damaged, or holds what may do harm. It is left as it is.
    FaceswapError
        It has a layer that is not registered, or memory ran out.
    """
    try:
        if not path.is_file():
            raise ValueError("it is no file")
        with path.open("rb") as file:
            values = _check(file)
        with limited(MOST_COPIES * values + SPARE):
            return keras.saving.load_model(path, safe_mode=True)
    except UnknownClassError as error:
        raise FaceswapError(
            f"model file '{path}' is whole but can't be rebuilt ({_why(error)}): layers of a "
            "plugin's own need @keras.saving.register_keras_serializable()"
        ) from error
    except UnsafeError as error:
        raise ModelFileError(
            f"model file '{path}' is not one that this program writes, and may do harm "
            f"({_why(error)})"
        ) from error
    except PermissionError as error:
        raise ModelFileError(f"model file '{path}' can't be read ({error.strerror})") from error
    except Exception as error:
        # Keras makes a ValueError of what happens to it, with the text of it.
        if is_out_of_memory(error) or is_out_of_memory(RuntimeError(str(error))):
            raise FaceswapError(
                f"out of memory while model file '{path}' was loaded, which may be whole: end what "
                "else uses memory, and try again"
            ) from error
        raise ModelFileError(f"model file '{path}' is damaged ({_why(error)})") from error


def _check(file: BinaryIO) -> int:
    """Look through a file; the numbers in its weights."""
    members = read_members(file)
    check_network(members.config)
    weights: Any = members.weights
    return count_values(weights, weights.size)


def _why(error: Exception) -> str:
    """The first line of an error's text; a file may have had its say in it."""
    line = str(error).strip().partition("\n")[0] or type(error).__name__
    return "".join(letter if letter.isprintable() else "?" for letter in line)[:300]
