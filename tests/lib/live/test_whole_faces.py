"""The faces of a preview one by one are those of the sheet."""

import numpy as np

from lib.preview.samples import Samples
from lib.preview.sheet import SideSamples, contact_sheet


class Predictor:
    coverage = 0.75


class Faces:
    size = 128


def test_predictions_lie_in_the_whole_faces_as_on_the_sheet() -> None:
    random = np.random.default_rng(0)

    def side(edge: int) -> SideSamples:
        faces = random.integers(0, 256, (2, 128, 128, 3), np.uint8)
        predictions = random.integers(0, 256, (2, 2, edge, edge, 3), np.uint8)
        masks = np.full((2, 128, 128), 255, np.uint8)  # else the sheet tints
        return SideSamples(faces, predictions[0], predictions[1], masks)

    both = side(96), side(64)
    samples = Samples(Predictor(), dict.fromkeys("ab", Faces()))  # type: ignore[arg-type]
    sheet = samples.drawn(both)
    np.testing.assert_array_equal(sheet, contact_sheet(*both, 0.75, 128))
    found = samples.whole_faces(both)
    window = np.s_[16:112, 16:112]  # the brackets of the sheet lie round it
    for name, one in zip("ab", both, strict=True):
        faces = found[name]
        np.testing.assert_array_equal(faces.originals, one.originals)
        for drawn, prediction in ((faces.same, one.same), (faces.swapped, one.swapped)):
            around = drawn.copy()
            around[:, *window] = one.originals[:, *window]
            np.testing.assert_array_equal(around, one.originals)
            if prediction.shape[1] == 96:
                np.testing.assert_array_equal(drawn[:, *window], prediction)
            assert all(_is_in(sheet, face[window]) for face in drawn)


def _is_in(sheet: np.ndarray, part: np.ndarray) -> bool:
    places = np.argwhere((sheet == part[0, 0]).all(axis=-1))
    edge = len(part)
    return any(np.array_equal(sheet[y : y + edge, x : x + edge], part) for y, x in places)
