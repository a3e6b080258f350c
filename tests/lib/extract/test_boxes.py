import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lib.extract.boxes import distinct, overlaps
from lib.extract.face import Detection

SIDES = st.integers(0, 20)
BOXES = st.tuples(SIDES, SIDES, st.integers(1, 20), st.integers(1, 20))


@given(box=BOXES, others=st.lists(BOXES, max_size=4))
def test_overlap_is_the_pixels_in_both_over_those_in_either(
    box: tuple[int, ...], others: list[tuple[int, ...]]
) -> None:
    def painted(each: tuple[int, ...]) -> np.ndarray:
        x, y, w, h = each
        canvas = np.zeros((40, 40), bool)
        canvas[y : y + h, x : x + w] = True
        return canvas

    mine = painted(box)
    wanted = [(mine & painted(o)).sum() / (mine | painted(o)).sum() for o in others]
    np.testing.assert_allclose(overlaps(box, np.array(others, float).reshape(-1, 4)), wanted)


def test_of_each_face_the_surest_detection_is_kept() -> None:
    found = [
        Detection((0, 0, 10, 10), 0.6),
        Detection((40, 0, 10, 10), 0.7),
        Detection((2, 0, 10, 10), 0.9),
    ]
    assert distinct(found) == [found[2], found[1]]
    assert distinct([]) == []
