"""Runs sample faces through a model, and draws the sheet that shows them."""

from collections.abc import Mapping

import keras
import numpy as np
import torch
from numpy.typing import NDArray

from lib.data.augment import plain
from lib.data.faceset import FaceSet
from lib.preview.sheet import SideSamples, contact_sheet
from lib.training.device import to_device, to_pixels

Pixels = NDArray[np.uint8]
Indices = NDArray[np.intp]

SMALLEST_CELL = 128


class Samples:
    """Faces of both sides with what the model makes of them.

    Parameters
    ----------
    model
        Takes both sides' faces; its outputs are side A's, then side B's.
    faces
        Faces by side, "a" and "b".
    coverage
        Share of a face's edge that is trained on, 0..1.
    rgb
        Whether the model works in RGB rather than BGR.
    scale
        Size of the sheet, per cent.
    """

    def __init__(
        self,
        model: keras.Model,
        faces: Mapping[str, FaceSet],
        coverage: float,
        *,
        rgb: bool = False,
        scale: int = 100,
    ) -> None:
        self.faces = faces
        self._model = model
        self._coverage = coverage
        self._order = slice(None, None, -1) if rgb else slice(None)
        self._scale = scale

    def predict(self, of_a: Indices, of_b: Indices, *, swap: bool) -> tuple[Pixels, Pixels]:
        """Faces as the model makes them with side A's decoder and with side B's.

        Parameters
        ----------
        of_a, of_b
            Indices of faces of side A and of side B, equally many.
        swap
            Feed each side the other side's faces.

        Returns
        -------
        tuple
            What side A's decoder makes of A's faces (with `swap` of B's) and side B's of B's (of
            A's): ``(count, height, width, 3)``, BGR.
        """
        sources = [("a", of_a), ("b", of_b)]
        feeds = [
            self._feed(side, indices, size=tensor.shape[1])
            for (side, indices), tensor in zip(
                reversed(sources) if swap else sources, self._model.inputs, strict=True
            )
        ]
        with torch.no_grad():
            outputs = self._model([to_device(feed) for feed in feeds], training=False)
        half = len(outputs) // 2
        made = [_largest_face(part) for part in (outputs[:half], outputs[half:])]
        face_a, face_b = (np.ascontiguousarray(to_pixels(f)[..., self._order]) for f in made)
        return face_a, face_b

    def _feed(self, side: str, indices: Indices, size: int) -> Pixels:
        feed = plain(self.faces[side].images, indices, size, self._coverage)
        return np.ascontiguousarray(feed[..., self._order])

    def sheet(self, of_a: Indices, of_b: Indices) -> Pixels:
        """Draw the contact sheet of these faces, cut to the shorter side's count."""
        count = min(len(of_a), len(of_b))
        of_a, of_b = of_a[:count], of_b[:count]
        same_a, same_b = self.predict(of_a, of_b, swap=False)
        b_as_a, a_as_b = self.predict(of_a, of_b, swap=True)
        sides = [
            SideSamples(
                originals=self.faces[side].images[indices],
                same=same,
                swapped=swapped,
                masks=self.faces[side].masks[indices, ..., 0],
            )
            for side, indices, same, swapped in (
                ("a", of_a, same_a, a_as_b),
                ("b", of_b, same_b, b_as_a),
            )
        ]
        enlarge = max(1.0, SMALLEST_CELL / self.faces["a"].size)
        return contact_sheet(*sides, self._coverage, round(self._scale * enlarge))


def _largest_face(outputs: list[torch.Tensor]) -> torch.Tensor:
    return max((o for o in outputs if o.shape[-1] == 3), key=lambda output: output.shape[1])
