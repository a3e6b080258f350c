"""Pictures side by side."""

import numpy as np

from lib.preview.comparison import comparison, put_in_place


def test_the_prediction_shows_inside_the_mask_and_the_face_outside() -> None:
    face = np.full((64, 64, 3), 10, np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    mask[20:44, 20:44] = 255
    result = put_in_place(face, mask, np.full((8, 8, 3), 200, np.uint8), edge=40)
    assert (result[30:34, 30:34] == 200).all()
    assert (result[:12] == 10).all()
    assert (result[:, 52:] == 10).all()
    assert 10 < result[32, 21, 0] < 200


def test_columns_stand_side_by_side_under_their_headings() -> None:
    pictures = [np.full((2, 32, 32, 3), value, np.uint8) for value in (50, 100, 150)]
    sheet = comparison(
        [
            {"Input A": pictures[0], "A long heading that must shrink": pictures[1]},
            {"B": pictures[2]},
        ]
    )
    assert sheet.shape == (28 + 64, 3 * 32 + 12, 3)
    assert (sheet[28:, :32] == 50).all()
    assert (sheet[28:, 32:64] == 100).all()
    assert (sheet[28:, 76:] == 150).all()
    assert len(np.unique(sheet[:28, 76:])) > 1
