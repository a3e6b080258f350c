import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lib.extract.face import Detection
from lib.extract.turn import detect_turned, turn_back

SIZES = st.integers(8, 30)


@given(height=SIZES, width=SIZES, data=st.data())
def test_what_is_found_in_the_turned_frame_lies_on_the_same_pixels(
    height: int, width: int, data: st.DataObject
) -> None:
    """The oracle is NumPy's turn of a frame whose pixels each hold their own place."""
    frame = np.moveaxis(np.indices((height, width))[::-1], 0, -1)  # x and y
    for quarters, angle in ((3, 90), (2, 180), (1, 270)):
        turned = np.rot90(frame, quarters)
        x, y = (data.draw(st.integers(0, edge - 4)) for edge in turned.shape[1::-1])
        eyes = np.array([[x, y], [x + 3, y]])
        back = turn_back(Detection((x, y, 3, 2), 0.5, eyes * 1.0), angle, (height, width))
        corners = turned[[y, y + 2], [x, x + 3]]
        assert back.box == (*corners.min(axis=0), *np.ptp(corners, axis=0))
        np.testing.assert_array_equal(back.eyes, turned[eyes[:, 1], eyes[:, 0]])


def test_each_face_is_given_once_as_it_is_seen_best() -> None:
    """A detector that finds one face, in the middle, surest when it is upside down."""

    def detect(image: np.ndarray) -> list[Detection]:
        height, width = image.shape[:2]
        score = 0.9 if image[-1, -1, 0] else 0.6
        return [Detection(((width - 10) / 2, (height - 10) / 2, 9, 9), score)]

    frame = np.zeros((40, 60, 3), np.uint8)
    frame[0, 0] = 255
    (found,) = detect_turned(detect, frame)
    assert found.score == 0.9
    assert found.eyes is not None
    assert found.eyes[0, 0] > found.eyes[1, 0]
