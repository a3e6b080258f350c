"""What every plugin for colour, mask and scaling promises, a user's own among them."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib.config.convert import MaskOptions
from lib.config.options import fields_of
from lib.convert.edge import soften
from lib.convert.swap import Swap
from plugins import loader

COLORS, MASKS, SCALINGS = (loader.names(kind) for kind in ("color", "mask", "scaling"))


def settings(kind: str) -> list[Any]:
    """Plugins of a kind by their names, each with its defaults and, in turn, the ends of ranges."""
    found = []
    for name in loader.names(kind):
        plugin = loader.load(kind, name)
        found.append(pytest.param(plugin(), id=name))
        options = loader.convert_sections().get(f"{kind}.{name}")
        for known in fields_of(options) if options else ():
            for end in (known.minimum, known.maximum):
                chosen = options(**{known.name: known.type(end)})
                found.append(pytest.param(plugin(chosen), id=f"{name} {known.name}={end}"))
    return found


def is_picture(image: Any, like: Any) -> None:
    assert image.shape == like.shape
    assert image.dtype == np.float32
    assert np.isfinite(image).all()
    assert image.min() >= 0
    assert image.max() <= 1


def test_there_are_those_that_the_field_knows() -> None:
    colors = {"average", "manual_balance", "match_hist", "none", "reinhard", "seamless_clone"}
    assert set(COLORS) == colors
    assert set(MASKS) == {"box", "components", "extended", "predicted"}
    assert set(SCALINGS) == {"none", "unsharp"}


@pytest.fixture(params=["soft", "hard", "one pixel", "corner"])
def mask(request: pytest.FixtureRequest, swap: Swap) -> Any:
    if request.param == "soft":
        return soften(loader.load("mask", "extended")()(swap), MaskOptions())
    mask = np.zeros(swap.face.shape[:2], np.float32)
    places = {"hard": np.s_[10:50, 12:50], "one pixel": np.s_[30, 30], "corner": np.s_[:9, :9]}
    mask[places[request.param]] = 1
    return mask


@pytest.mark.parametrize("color", settings("color"))
def test_colours(color: Any, swap: Swap, mask: Any) -> None:
    before, its = copy.deepcopy(swap), mask.copy()
    for given in (
        swap,
        replace(swap, face=np.zeros_like(swap.face)),
        replace(swap, target=np.ones_like(swap.face)),
    ):
        is_picture(color(given, mask), swap.face)
    np.testing.assert_array_equal(swap.face, before.face)
    np.testing.assert_array_equal(swap.target, before.target)
    np.testing.assert_array_equal(mask, its)


@pytest.mark.parametrize("name", COLORS)
def test_a_face_that_is_the_frames_already_keeps_its_colours(
    name: str, swap: Swap, mask: Any
) -> None:
    same = loader.load("color", name)()(replace(swap, face=swap.target), mask)
    # Poisson's equation is solved in bytes.
    assert np.abs(same - swap.target)[mask > 0].max() * 255 <= (2 if "clone" in name else 0.51)


@pytest.mark.parametrize("mask", settings("mask"))
def test_masks(mask: Any, swap: Swap) -> None:
    before = copy.deepcopy(swap)
    drawn = mask(swap)
    is_picture(drawn, swap.face[..., 0])
    assert drawn.max() == 1
    np.testing.assert_array_equal(swap.landmarks, before.landmarks)
    np.testing.assert_array_equal(swap.predicted_mask, before.predicted_mask)


@pytest.mark.parametrize("scaling", settings("scaling"))
def test_scalings(scaling: Any, swap: Swap) -> None:
    before = swap.face.copy()
    is_picture(scaling(swap.face), before)
    np.testing.assert_array_equal(swap.face, before)
    flat = np.full_like(before, 0.3)
    np.testing.assert_allclose(scaling(flat), flat, atol=1e-6)


def test_a_users_own_is_found_in_the_folder_of_its_kind(tmp_path: Path, swap: Swap) -> None:
    (tmp_path / "color").mkdir()
    (tmp_path / "color" / "grey.py").write_text(
        "from plugins.convert.color._base import ColorBase\n"
        "class Color(ColorBase):\n"
        "    def __call__(self, swap, mask):\n"
        "        return 0 * swap.face + 0.5\n"
    )
    grey = loader.load("color", "grey", str(tmp_path))()
    assert (grey(swap, np.ones(swap.face.shape[:2])) == 0.5).all()
