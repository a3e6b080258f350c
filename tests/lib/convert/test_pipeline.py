import threading
from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from lib.convert.pipeline import Pipeline
from lib.convert.swap import Swap
from lib.media.frame import Frame


def swap_at(x: float) -> Swap:
    face = np.zeros((4, 4, 3), np.float32)
    return Swap(face, face, np.zeros((68, 2)), np.array([[1, 0, -x], [0, 1.0, 0]]))


SEEN = swap_at(0)


def frames(count: int) -> Iterator[Frame]:
    for index in range(count):
        yield Frame(index, f"{index}.png", np.full((4, 4, 3), index, np.uint8))


def find(found: Iterable[Frame]) -> Iterator[tuple[Frame, list]]:
    """A face in every other frame."""
    for frame in found:
        yield frame, [SEEN] * (frame.index % 2)


def swap(found: Iterable[tuple[Frame, list]]) -> Iterator[tuple[Frame, list]]:
    for frame, faces in found:
        yield frame, list(faces)


def compose(image: np.ndarray, swaps: list) -> np.ndarray:
    assert swaps == [SEEN]
    return image + 100


def test_frames_come_in_order_with_their_faces_swapped() -> None:
    with Pipeline(frames(20), find, swap, compose) as pipeline:
        done = list(pipeline)
    assert [each.frame.index for each in done] == list(range(20))
    assert [each.faces for each in done] == [0, 1] * 10
    for each in done:
        assert (each.frame.image == each.frame.index + 100 * each.faces).all()
        assert each.frame.name == f"{each.frame.index}.png"
    assert [stage.name for stage in pipeline.stages] == ["read", "find", "predict", "blend"]


def test_a_face_beyond_the_frame_is_not_counted() -> None:
    def beside(found: Iterable[tuple[Frame, list]]) -> Iterator[tuple[Frame, list]]:
        for frame, _ in found:
            yield frame, [SEEN, swap_at(50)]

    with Pipeline(frames(1), find, beside, lambda image, _: image) as pipeline:
        assert [each.faces for each in pipeline] == [1]


def test_a_frame_without_a_face_is_passed_through_as_it_is() -> None:
    first = next(frames(1))
    with Pipeline(iter([first]), find, swap, compose) as pipeline:
        (done,) = pipeline
    assert done.frame.image is first.image


def test_what_fails_in_any_stage_is_told_and_ends_all_of_them() -> None:
    def broken(image: np.ndarray, swaps: list) -> np.ndarray:
        raise ValueError("broken")

    with (
        pytest.raises(ValueError, match="broken"),
        Pipeline(frames(10**6), find, swap, broken) as pipeline,
    ):
        list(pipeline)
    left = {thread.name for thread in threading.enumerate()}
    assert not left & {stage.name for stage in pipeline.stages}
