"""Makes the swaps of a video's faces, several frames' at a time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import transform_points
from lib.convert.swap import Floats, Swap
from lib.convert.window import Matrix, Pixels, Window, cut, enlarged
from lib.extract.face import Face, Found
from lib.media.frame import Frame
from lib.model.predictor import Predicted

Predict = Callable[[Pixels], Predicted]
"""From windows ``(n, edge, edge, 3)``, BGR, at least one, to what the model makes of them."""

_MOST_FRAMES = 8
"""Frames that are kept waiting for a full batch, at most: they are large."""


@dataclass
class _Batch:
    """Frames whose faces are not predicted yet."""

    found: list[Found] = field(default_factory=list)
    windows: list[Pixels] = field(default_factory=list)
    matrices: list[Matrix] = field(default_factory=list)


@dataclass(frozen=True)
class Swapper:
    """Swaps the faces of frames.

    Attributes
    ----------
    predict
        The model.
    edge
        Edge in pixels of the windows that it takes.
    window
        Which part of a face they show.
    batch
        Faces from which on it is worth calling the model.
    """

    predict: Predict
    edge: int
    window: Window
    batch: int = 16

    def __call__(self, found: Iterable[Found]) -> Iterator[tuple[Frame, list[Swap]]]:
        """Go through frames with their faces, and give each with its swaps.

        Raises
        ------
        FaceswapError
            Landmarks form no face, or not even one window fits into memory.
        """
        batch = _Batch()
        for frame, faces in found:
            batch.found.append((frame, faces))
            for face in faces:
                matrix = self.window.matrix(face.landmarks, self.edge)
                batch.matrices.append(matrix)
                batch.windows.append(cut(frame.image, matrix, self.edge))
            if len(batch.windows) >= self.batch or len(batch.found) >= _MOST_FRAMES:
                yield from self._swapped(batch)
                batch = _Batch()
        yield from self._swapped(batch)

    def _swapped(self, batch: _Batch) -> Iterator[tuple[Frame, list[Swap]]]:
        made = zip(batch.matrices, self._predicted(batch.windows), strict=True)
        for frame, faces in batch.found:
            yield frame, [self._swap(frame, face, *next(made)) for face in faces]

    def _predicted(self, windows: list[Pixels]) -> Iterator[tuple[Floats, Floats | None]]:
        if windows:
            made = self.predict(np.stack(windows))
            for number, face in enumerate(made.faces):
                yield face, None if made.masks is None else made.masks[number]

    def _swap(
        self, frame: Frame, face: Face, matrix: Matrix, made: tuple[Floats, Floats | None]
    ) -> Swap:
        shown, mask = made
        edge = len(shown)
        matrix = enlarged(matrix, edge / self.edge)
        target = np.divide(cut(frame.image, matrix, edge), 255, dtype=np.float32)
        landmarks: NDArray[np.float64] = transform_points(face.landmarks, matrix)
        return Swap(shown, target, landmarks, matrix, mask)
