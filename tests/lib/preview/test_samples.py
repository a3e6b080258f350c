"""Which prediction stands in which cell of a preview."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lib.data.faceset import FaceSet
from lib.preview import samples
from lib.preview.samples import Samples
from lib.preview.sheet import LABELS, Layout, SideSamples

Pixels = NDArray[np.uint8]

SIZE, WINDOW = 128, 88
SHADES = {"a": 60, "b": 200}


class Painter:
    """Stands in for a model: shows every face in one shade, that of the side asked for."""

    coverage = 0.6875

    def __call__(self, faces: Pixels, side: str) -> Pixels:
        return np.full((len(faces), WINDOW, WINDOW, 3), SHADES[side], np.uint8)


def make_faces(count: int, seed: int, size: int = SIZE) -> FaceSet:
    images = np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)
    paths = tuple(f"{index}.png" for index in range(count))
    white = np.full_like(images, 255)
    return FaceSet(paths, images, white, np.zeros((count, 68, 2), np.float32))


@pytest.fixture
def faces() -> dict[str, FaceSet]:
    return {"a": make_faces(5, 1), "b": make_faces(4, 2)}


def middle(sheet: Pixels, count: int, sample: int, column: int, cell: int = SIZE) -> Pixels:
    x, y = Layout(count, cell).corner(sample, column)
    return sheet[y + 40 : y + 80, x + 40 : x + 80]


def test_each_side_shows_its_faces_then_its_own_and_the_others_prediction(
    faces: dict[str, FaceSet],
) -> None:
    sheet = Samples(Painter(), faces).sheet(np.array([3, 0]), np.array([1, 2]))
    for sample, (of_a, of_b) in enumerate([(3, 1), (0, 2)]):
        for column, expected in enumerate(
            [
                faces["a"].images[of_a, 40:80, 40:80],
                SHADES["a"],
                SHADES["b"],
                faces["b"].images[of_b, 40:80, 40:80],
                SHADES["b"],
                SHADES["a"],
            ]
        ):
            shown = middle(sheet, 2, sample, column)
            np.testing.assert_array_equal(shown, np.broadcast_to(expected, shown.shape))


def test_the_headings_are_the_documented_ones() -> None:
    of_a = ("Original (A)", "Original > Original", "Original > Swap")
    assert (*of_a, "Swap (B)", "Swap > Swap", "Swap > Original") == LABELS


def test_the_side_with_fewer_faces_says_how_many(
    faces: dict[str, FaceSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []

    def count(a: SideSamples, b: SideSamples, *_: object) -> Pixels:
        drawn.extend([len(a.originals), len(b.originals)])
        return np.zeros((2, 2, 3), np.uint8)

    monkeypatch.setattr(samples, "contact_sheet", count)
    Samples(Painter(), faces).sheet(np.arange(5), np.arange(4))
    assert drawn == [4, 4]


@pytest.mark.parametrize(("scale", "edge"), [(50, 64), (100, 128), (200, 256)])
def test_the_scale_is_per_cent_of_a_face(faces: dict[str, FaceSet], scale: int, edge: int) -> None:
    sheet = Samples(Painter(), faces, scale).sheet(np.arange(2), np.arange(2))
    assert sheet.shape == Layout(2, edge).shape


def test_small_faces_are_shown_larger() -> None:
    faces = {side: make_faces(1, 0, 32) for side in "ab"}
    sheet = Samples(Painter(), faces).sheet(np.arange(1), np.arange(1))
    assert sheet.shape == Layout(1, 128).shape
