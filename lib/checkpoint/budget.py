"""A bound on the memory that building a model takes."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import keras

from lib.checkpoint.archive import UnsafeError

MOST_IN_PICTURE: Final = 1 << 28
"""Numbers in one symbolic tensor, for each sample: 256 channels of 1024 x 1024 pixels."""


@contextmanager
def limited(values: int) -> Iterator[None]:
    """Context in which Keras makes no more than so many weights.

    Their shapes are looked at before their initialisers are asked for them, and that of each
    symbolic tensor before a layer is called on it: Keras traces some layers on real memory. Keras
    has no hook for either, so the two classes are altered for as long as the context lasts.

    Parameters
    ----------
    values
        Numbers in all weights together, those of the optimizer too.

    Raises
    ------
    UnsafeError
        They are more, or a symbolic tensor has more than `MOST_IN_PICTURE` numbers a sample.
    """
    meter = _Meter(values)
    own = "__init__" in vars(keras.Variable)
    variable, tensor = keras.Variable.__init__, keras.KerasTensor.__init__
    keras.Variable.__init__ = meter.watched_variable(variable)
    keras.KerasTensor.__init__ = meter.watched_tensor(tensor)
    try:
        yield
    except Exception:
        # Keras may have caught the refusal, and failed of something else after that.
        if meter.refusal is None:
            raise
    finally:
        keras.KerasTensor.__init__ = tensor
        if own:
            keras.Variable.__init__ = variable
        else:
            del keras.Variable.__init__
    if meter.refusal is not None:
        raise meter.refusal


class _Meter:
    """Counts, and refuses what goes beyond the bound and all that comes after it."""

    def __init__(self, values: int) -> None:
        self._left = float(values)
        self.refusal: UnsafeError | None = None

    def watched_variable(self, init: Any) -> Any:
        def watched(variable: Any, initializer: Any, shape: Any = None, **kwargs: Any) -> None:
            # One without a shape is made of a value that is there already.
            if shape is not None:
                self._left -= _values(shape)
                if not self._left >= 0:
                    self._refuse(f"a weight of {shape!s:.80}, more than the file holds")
            init(variable, initializer, shape, **kwargs)

        return watched

    def watched_tensor(self, init: Any) -> Any:
        def watched(tensor: Any, shape: Any, *args: Any, **kwargs: Any) -> None:
            if not _values(shape) <= MOST_IN_PICTURE:
                self._refuse(f"pictures of {shape!s:.80}")
            init(tensor, shape, *args, **kwargs)

        return watched

    def _refuse(self, what: str) -> None:
        self.refusal = self.refusal or UnsafeError(f"its configuration asks for {what}")
        raise self.refusal


def _values(shape: Any) -> float:
    """Numbers in a shape, as a float: integers would grow with the length of a hostile one."""
    sizes = [shape] if isinstance(shape, int) else shape
    return math.prod(1.0 if size is None else float(size) for size in sizes)
