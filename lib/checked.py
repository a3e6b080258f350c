"""Calls plugins and looks at what they give, so that a faulty one is named and spoils nothing."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.errors import FaceswapError


def call(kind: str, plugin: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a plugin.

    Parameters
    ----------
    kind
        What one of its kind is called in a message, such as "color plugin".
    plugin
        The plugin, or what is called as it is.
    arguments, named
        What it is given.

    Raises
    ------
    FaceswapError
        The plugin raised one, or another error: names the plugin and the error.
    """
    try:
        return plugin(*arguments, **named)
    except (FaceswapError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise fault(kind, plugin, f"raised {type(error).__name__}: {error}") from error


def call_for_floats(
    kind: str, plugin: Callable[..., Any], shape: tuple[int, ...], *arguments: Any
) -> NDArray[np.float32]:
    """Call a plugin that gives a picture or a mask.

    Parameters
    ----------
    kind, plugin, arguments
        As for `call`.
    shape
        What the array's is to be.

    Raises
    ------
    FaceswapError
        As for `call`, or what it gave is no array of finite floats of that shape.
    """
    found = call(kind, plugin, *arguments)
    if not isinstance(found, np.ndarray) or found.shape != shape:
        raise fault(kind, plugin, f"gave {described(found)} for one of {shape}")
    if not np.issubdtype(found.dtype, np.floating):
        raise fault(kind, plugin, f"gave an array of {found.dtype} for one of floats, 0..1")
    with np.errstate(over="ignore"):
        floats = np.asarray(found, np.float32)
    if not np.isfinite(floats).all():
        raise fault(kind, plugin, "gave an array with values that are no finite numbers")
    return floats


def fault(kind: str, plugin: Callable[..., Any], problem: str) -> FaceswapError:
    """The error that tells what is wrong with a plugin; parameters as for `call`."""
    module = sys.modules.get(plugin.__module__)
    file = getattr(module, "__file__", None) or plugin.__module__
    return FaceswapError(" ".join(f"{kind} '{Path(file).stem}' ({file}) {problem}".split()))


def described(value: object) -> str:
    """Say in a message what a plugin gave."""
    if isinstance(value, np.ndarray):
        return f"an array {value.shape}"
    return "None" if value is None else f"a {type(value).__name__}"
