"""Which prediction stands in which cell of a preview."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lib.data.faceset import FaceSet
from lib.model.predictor import Predictor, side_path
from lib.preview import samples
from lib.preview.samples import Samples
from lib.preview.sheet import LABELS, Layout, SideSamples
from plugins import loader

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


@pytest.mark.parametrize(
    ("of_a", "of_b", "scale", "edge"),
    [
        (24, 48, 100, 128),
        (94, 94, 10, 13),
        (94, 94, 400, 512),
        (160, 256, 100, 256),
        (256, 160, 50, 128),
    ],
)
def test_cells_have_the_size_of_the_larger_side(
    of_a: int, of_b: int, scale: int, edge: int
) -> None:
    faces = {"a": make_faces(1, 0, of_a), "b": make_faces(1, 1, of_b)}
    sheet = Samples(Painter(), faces, scale).sheet(np.arange(1), np.arange(1))
    assert sheet.shape == Layout(1, edge).shape


@pytest.mark.parametrize("count", [1, 2, 7, 8, 16])
def test_every_sample_asked_for_is_shown_in_order(count: int) -> None:
    faces = {side: make_faces(16, seed) for seed, side in enumerate("ab")}
    sheet = Samples(Painter(), faces).sheet(np.arange(count), np.arange(count)[::-1])
    for sample in range(count):
        for column, side, index in ((0, "a", sample), (3, "b", count - 1 - sample)):
            shown = middle(sheet, count, sample, column)
            np.testing.assert_array_equal(shown, faces[side].images[index, 40:80, 40:80])


def test_the_face_mask_is_what_tints(faces: dict[str, FaceSet]) -> None:
    faces["a"].masks[..., 0] = 0  # eyes and mouth still count as such
    sheet = Samples(Painter(), faces).sheet(np.arange(1), np.arange(1))
    assert (middle(sheet, 1, 0, 1) == (42, 42, 118)).all()  # 0.7 of 60, and 0.3 of 255 in red
    assert (middle(sheet, 1, 0, 4) == SHADES["b"]).all()


def test_a_model_whose_sides_differ_in_size_is_shown(
    train_arguments: Callable[..., Namespace], tmp_path: Path
) -> None:
    arguments = train_arguments(model="unequal")
    model = loader.load_model("unequal", arguments.plugin_dir)(str(tmp_path), arguments)
    model.build()
    predictor = Predictor({side: side_path(model.model, side) for side in "ab"}, 0.6875)
    faces = {"a": make_faces(3, 1, 24), "b": make_faces(2, 2, 48)}
    for side, shade in (("a", 100), ("b", 200)):
        faces[side].images[:] = shade
    sheet = Samples(predictor, faces).sheet(np.arange(3), np.arange(2))
    assert sheet.shape == Layout(2, SIZE).shape
    for sample in range(2):
        assert (middle(sheet, 2, sample, 0) == 100).all()
        assert (middle(sheet, 2, sample, 3) == 200).all()
