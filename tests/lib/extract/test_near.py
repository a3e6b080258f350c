import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lib.extract.face import Detection
from lib.extract.near import detect_near

Pixels = NDArray[np.uint8]


def detect(image: Pixels) -> list[Detection]:
    """White squares, their eyes a third and two thirds across the upper edge."""
    found = []
    outlines, _ = cv2.findContours(
        (image[..., 0] > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    for outline in outlines:
        x, y, w, h = cv2.boundingRect(outline)
        eyes = np.array([[x + w / 3, y], [x + 2 * w / 3, y]]) - 0.5
        found.append(Detection((x - 0.5, y - 0.5, w, h), 0.9, eyes))
    return found


def painted(*squares: tuple[int, int, int]) -> Pixels:
    image = np.zeros((400, 600, 3), np.uint8)
    for x, y, edge in squares:
        image[y : y + edge, x : x + edge] = 255
    return image


@given(
    x=st.integers(0, 500),
    y=st.integers(0, 300),
    edge=st.integers(12, 100),
    moved=st.tuples(*[st.floats(-0.6, 0.6)] * 2),
    smallest=st.integers(8, 60),
)
@settings(max_examples=60)
def test_a_face_is_found_where_it_has_moved(
    x: int, y: int, edge: int, moved: tuple[float, float], smallest: int
) -> None:
    before = (x + moved[0] * edge, y + moved[1] * edge, edge, edge)
    found = detect_near(detect, painted((x, y, edge)), before, smallest)
    assert found is not None
    bound = 1 + edge / 30
    np.testing.assert_allclose(found.box, (x - 0.5, y - 0.5, edge, edge), atol=bound)
    assert found.eyes is not None
    wanted = np.array([[x + edge / 3, y], [x + 2 * edge / 3, y]]) - 0.5
    np.testing.assert_allclose(found.eyes, wanted, atol=bound)


def test_a_neighbour_is_not_taken_for_the_face() -> None:
    image = painted((100, 100, 40), (160, 100, 40))
    found = detect_near(detect, image, (98, 101, 40, 40), 24)
    assert found is not None
    assert abs(found.box[0] - 100) < 3
    assert detect_near(detect, image, (220, 100, 40, 40), 24) is None


def test_a_face_that_has_left_the_frame_is_not_found() -> None:
    for box in ((-500, 0, 50, 50), (0, 4000, 50, 50), (700, 500, 20, 20)):
        assert detect_near(detect, painted((100, 100, 40)), box, 24) is None
