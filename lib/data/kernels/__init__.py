"""Loops over the pixels of a face, compiled by Numba; its cache keeps the machine code.

They are loaded when they are first wanted: Numba takes half a second to import.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

Kernel = Callable[..., Any]


class Kernels(NamedTuple):
    """Each is the function of that name in one of the files here."""

    blend: Kernel
    curves: Kernel
    double: Kernel
    lay: Kernel
    lightness: Kernel
    mark: Kernel
    recolour: Kernel


@cache
def kernels() -> Kernels:
    """All of them."""
    from lib.data.kernels.double import double
    from lib.data.kernels.equalise import blend, curves, lightness
    from lib.data.kernels.lay import lay
    from lib.data.kernels.mark import mark
    from lib.data.kernels.recolour import recolour

    return Kernels(blend, curves, double, lay, lightness, mark, recolour)
