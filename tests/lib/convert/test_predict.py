"""Which windows go to the model, and which swap comes back to which frame."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from lib.align.tables import MEAN_FACE_51
from lib.convert.predict import Swapper
from lib.convert.window import Window
from lib.extract.face import Face
from lib.media.frame import Frame
from lib.model.predictor import Predicted

EDGE, LARGER = 16, 24
WINDOW = Window("face", 0.9)


def face(x: float, y: float, size: float = 40) -> Face:
    inner = MEAN_FACE_51 * size + np.array([x, y])
    jaw = np.column_stack([np.linspace(0, size, 17), np.full(17, size)]) + np.array([x, y])
    return Face((int(x), int(y), int(size), int(size)), np.concatenate((jaw, inner)))


def frame(index: int) -> Frame:
    image = np.full((96, 128, 3), index, np.uint8)
    return Frame(index, f"clip_{index + 1:06}.png", image, Fraction(index, 25))


class Model:
    """Shows each window brighter, in a larger picture, and notes how many it was given."""

    def __init__(self, *, has_masks: bool = False) -> None:
        self.sizes: list[int] = []
        self.has_masks = has_masks

    def __call__(self, windows: np.ndarray) -> Predicted:
        assert windows.dtype == np.uint8
        assert windows.shape[1:] == (EDGE, EDGE, 3)
        self.sizes.append(len(windows))
        value = windows.reshape(len(windows), -1).max(axis=1).astype(np.float32) / 255
        faces = np.broadcast_to(value[:, None, None, None] + 0.25, (len(value), LARGER, LARGER, 3))
        masks = np.broadcast_to(value[:, None, None], (len(value), LARGER, LARGER))
        return Predicted(faces, masks if self.has_masks else None)


def swapped(counts: Sequence[int], model: Model, batch: int = 4) -> list:
    found = [
        (frame(index), [face(20 + 10 * number, 25) for number in range(count)])
        for index, count in enumerate(counts)
    ]
    return list(Swapper(model, EDGE, WINDOW, batch)(iter(found)))


@pytest.mark.parametrize("counts", [[1] * 9, [0] * 20, [2, 0, 3, 0, 0, 5, 1], [], [0, 1]])
def test_each_frame_comes_once_with_the_swaps_of_its_own_faces(counts: list[int]) -> None:
    done = swapped(counts, Model(has_masks=True))
    assert [each.index for each, _ in done] == list(range(len(counts)))
    assert [len(swaps) for _, swaps in done] == counts
    for each, swaps in done:
        for swap in swaps:
            np.testing.assert_allclose(swap.face, each.index / 255 + 0.25, atol=1e-6)
            np.testing.assert_allclose(swap.predicted_mask, each.index / 255, atol=1e-6)
            assert swap.target.max() == pytest.approx(each.index / 255)


def test_faces_of_several_frames_go_through_the_model_together() -> None:
    model = Model()
    swapped([1] * 10, model)
    assert model.sizes == [4, 4, 2]


def test_frames_without_faces_are_not_kept_waiting_for_ever() -> None:
    taken = []

    def found() -> object:
        for index in range(100):
            taken.append(index)
            yield frame(index), []

    next(Swapper(Model(), EDGE, WINDOW)(found()))
    assert len(taken) <= 8


def test_landmarks_and_matrix_are_those_of_the_models_picture() -> None:
    ((_, (swap,)),) = swapped([1], Model())
    assert swap.target.shape == swap.face.shape == (LARGER, LARGER, 3)
    there = face(20, 25).landmarks
    expected = there @ swap.matrix[:, :2].T + swap.matrix[:, 2]
    np.testing.assert_allclose(swap.landmarks, expected)
    np.testing.assert_allclose(swap.matrix, WINDOW.matrix(there, LARGER))
    assert swap.predicted_mask is None
