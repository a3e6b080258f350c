"""Draws the sheet of sample faces with what the model makes of them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lib.data.faceset import FaceSet
from lib.live.samples import SideFaces
from lib.model.predictor import Predictor
from lib.preview.sheet import SideSamples, Window, contact_sheet, with_prediction

Both = tuple[SideSamples, SideSamples]
"""Samples of side A and of side B."""

SMALLEST_CELL = 128
"""Edge in pixels at which faces are shown that are smaller."""


class Samples:
    """Faces of both sides, and the model that swaps them.

    Parameters
    ----------
    predictor
        The model at work.
    faces
        Faces by side, "a" and "b".
    scale
        Size of the sheet, per cent. At 100 a face has the pixels of the larger side, and at least
        `SMALLEST_CELL`.
    """

    def __init__(
        self, predictor: Predictor, faces: Mapping[str, FaceSet], scale: int = 100
    ) -> None:
        self.faces = faces
        self._predictor = predictor
        largest = max(SMALLEST_CELL, *(side.size for side in faces.values()))
        self._cell = round(largest * scale / 100)

    def _side(self, side: str, other: str, indices: NDArray[np.intp]) -> SideSamples:
        faces = self.faces[side].subset(indices)
        images = np.asarray(faces.images)
        return SideSamples(
            originals=images,
            same=self._predictor(images, side),
            swapped=self._predictor(images, other),
            masks=np.asarray(faces.masks)[..., 0],
        )

    def predicted(self, of_a: NDArray[np.intp], of_b: NDArray[np.intp]) -> Both:
        """Faces with these indices and their swaps, cut to the shorter side's count."""
        count = min(len(of_a), len(of_b))
        return self._side("a", "b", of_a[:count]), self._side("b", "a", of_b[:count])

    def drawn(self, both: Both) -> NDArray[np.uint8]:
        """The contact sheet of what `predicted` gave."""
        return contact_sheet(*both, self._predictor.coverage, self._cell)

    def sheet(self, of_a: NDArray[np.intp], of_b: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Draw the contact sheet of faces with these indices, cut to the shorter side's count."""
        return self.drawn(self.predicted(of_a, of_b))

    def whole_faces(self, both: Both) -> dict[str, SideFaces]:
        """What `predicted` gave by side, the predictions in their places in the whole faces."""
        return {
            side: _whole(samples, self._predictor.coverage)
            for side, samples in zip("ab", both, strict=True)
        }


def _whole(samples: SideSamples, coverage: float) -> SideFaces:
    size = samples.originals.shape[1]
    window = Window(size, coverage, size)
    same, swapped = (
        np.stack(
            [
                with_prediction(face, prediction, window)
                for face, prediction in zip(samples.originals, predictions, strict=True)
            ]
        )
        for predictions in (samples.same, samples.swapped)
    )
    return SideFaces(originals=samples.originals, same=same, swapped=swapped, masks=samples.masks)
