"""A faulty plugin is named, with its file, in one line."""

import re
from typing import Any

import numpy as np
import pytest

from lib.checked import call, call_for_floats
from lib.errors import FaceswapError

HERE = rf"color plugin 'test_checked' \({re.escape(__file__)}\) "


class Plugin:
    """Gives what it was told to, or raises it."""

    def __init__(self, gives: Any) -> None:
        self._gives = gives

    def __call__(self, *_: Any) -> Any:
        if isinstance(self._gives, BaseException):
            raise self._gives
        return self._gives


@pytest.mark.parametrize("error", [RuntimeError("boom,\n  boom"), SystemExit("boom, boom")])
def test_what_a_plugin_raises_is_told_with_its_file(error: BaseException) -> None:
    with pytest.raises(FaceswapError, match=rf"^{HERE}raised {type(error).__name__}: boom, boom$"):
        call("color plugin", Plugin(error))


@pytest.mark.parametrize("error", [FaceswapError("mend it"), MemoryError("full")])
def test_what_has_words_of_its_own_is_raised_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        call("color plugin", Plugin(error))
    assert raised.value is error


@pytest.mark.parametrize(
    ("gives", "told"),
    [
        (None, r"gave None for one of \(4, 4, 3\)"),
        ([1.0], r"gave a list for one of \(4, 4, 3\)"),
        (np.zeros((7, 5, 3), np.float32), r"gave an array \(7, 5, 3\) for one of \(4, 4, 3\)"),
        (np.zeros((4, 4), np.float32), r"gave an array \(4, 4\) for one of \(4, 4, 3\)"),
        (np.zeros((4, 4, 3), np.uint8), r"gave an array of uint8 for one of floats, 0\.\.1"),
        (np.full((4, 4, 3), np.nan), "gave an array with values that are no finite numbers"),
        (np.full((4, 4, 3), 1e300), "gave an array with values that are no finite numbers"),
    ],
)
def test_what_is_no_picture_is_refused(gives: Any, told: str) -> None:
    with pytest.raises(FaceswapError, match=f"^{HERE}{told}$"):
        call_for_floats("color plugin", Plugin(gives), (4, 4, 3))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_of_any_kind_are_taken(kind: type) -> None:
    found = call_for_floats("color plugin", Plugin(np.full((4, 4), 0.5, kind)), (4, 4))
    assert found.dtype == np.float32
    assert (found == 0.5).all()
