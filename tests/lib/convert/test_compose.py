"""Swapping the faces of a frame."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lib.config.convert import MaskOptions
from lib.convert.compose import Composer
from lib.convert.swap import Swap
from lib.errors import FaceswapError

SIZE = 40


def swap(x: float, y: float, grey: float) -> Swap:
    """A grey face at a place in the frame, two pixels of the window for each of the frame."""
    matrix = np.array([[2.0, 0, -2 * x], [0, 2, -2 * y]])
    face = np.full((SIZE, SIZE, 3), grey, np.float32)
    return Swap(face, np.zeros_like(face), np.zeros((68, 2)), matrix)


def box(swap: Swap) -> Any:
    return np.ones(swap.face.shape[:2], np.float32)


def make(color: Any = lambda swap, mask: swap.face, scaling: Any = lambda face: face) -> Composer:
    return Composer(box, MaskOptions(erosion=0, blur=0), color, scaling)


def test_of_two_faces_in_one_place_the_later_shows() -> None:
    image = np.full((60, 60, 3), 50, np.uint8)
    result = make()(image, [swap(5, 5, 0.2), swap(15, 15, 0.8)])
    assert (image == 50).all()
    assert (result[7:14, 7:14] == 51).all()
    assert (result[17:33, 17:33] == 204).all()
    assert (result[37:] == 50).all()
    np.testing.assert_array_equal(make()(image, []), image)


def test_the_face_is_coloured_and_then_sharpened() -> None:
    composer = make(lambda swap, mask: swap.face * 0.5, lambda face: face + 0.1)
    result = composer(np.zeros((60, 60, 3), np.uint8), [swap(5, 5, 0.8)])
    assert (result[10:20, 10:20] == round(0.5 * 255)).all()


def test_what_lies_outside_the_frame_does_not_count_for_colours() -> None:
    seen = []

    def color(swap: Swap, mask: Any) -> Any:
        seen.append(mask)
        return swap.face

    image = np.zeros((60, 60, 3), np.uint8)
    result = make(color)(image, [swap(-10, 52, 1.0), swap(100, 0, 1.0)])
    (mask,) = seen  # of a face that is not in the frame at all no colours are asked for
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (1, 14, 20, 38)
    assert (result[54:, :9] == 255).all()
    assert not result[:50].any()
    assert not result[:, 12:].any()


@pytest.mark.parametrize(
    "gives", [None, np.zeros((7, 5, 3), np.float32), np.zeros((SIZE, SIZE, 3), np.uint8), np.nan]
)
@pytest.mark.parametrize("kind", ["mask", "color", "scaling"])
def test_a_faulty_plugin_is_named_and_spoils_no_frame(kind: str, gives: Any) -> None:
    if isinstance(gives, float):
        shape = (SIZE, SIZE) if kind == "mask" else (SIZE, SIZE, 3)
        gives = np.full(shape, gives, np.float32)
    composer = replace(make(), **{kind: lambda *_: gives})
    with pytest.raises(FaceswapError, match=rf"^{kind} plugin 'test_compose' \(.*\) gave"):
        composer(np.zeros((60, 60, 3), np.uint8), [swap(5, 5, 0.5)])


@pytest.mark.parametrize("kind", ["mask", "color", "scaling"])
def test_what_a_plugin_raises_is_told(kind: str) -> None:
    composer = replace(make(), **{kind: lambda *_: 1 / 0})
    with pytest.raises(FaceswapError, match=rf"^{kind} plugin .* raised ZeroDivisionError: "):
        composer(np.zeros((60, 60, 3), np.uint8), [swap(5, 5, 0.5)])


def test_a_mask_counts_from_0_to_1() -> None:
    frame = np.zeros((60, 60, 3), np.uint8)
    more = replace(make(), mask=lambda each: 255 * box(each))
    faces = [swap(5, 5, 0.5)]
    np.testing.assert_array_equal(more(frame, faces), make()(frame, faces))
