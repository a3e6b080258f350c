"""How much of what is trained a side's masks mark as face, and whether that is plausible.

The share of the trained window alone does not tell a right mask from an inverted one: with masks
drawn from landmarks it runs from 15% ('head' centring at full coverage) to 97% ('legacy' centring
at 62.5%).  So a mask is also held against the face that the landmarks enclose.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.align import masks
from lib.align.geometry import window_edge
from lib.data.faceset import FaceSet
from lib.printable import printable

_MARKED = 128
# Right masks cover 55% of the landmarks' face at least, even when eroded by 5%; inverted ones 46%
# at most, even when dilated by 5%.
_LEAST_OF_FACE = 0.5
_MOST_OF_WINDOW = 0.99


@dataclass(frozen=True, eq=False)
class MaskShares:
    """What the face masks mark, for the faces with landmarks.

    Attributes
    ----------
    paths
        Where each of the n faces came from.
    window
        ``(n,)`` share of the trained window that the mask marks as face, 0 to 1.
    face
        ``(n,)`` share that it marks of the face from chin to brows, as the landmarks show it.
    """

    paths: tuple[str, ...]
    window: NDArray[np.float64]
    face: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def summary(self) -> str:
        """Mean and range over the faces, of which there must be one at least."""
        mean, least, most = self.window.mean(), self.window.min(), self.window.max()
        return f"covers {mean:.0%} of the trained window ({least:.0%} to {most:.0%})"

    @property
    def doubts(self) -> list[str]:
        """What speaks against the masks and what to do: sentences that lack their subject."""
        found, empty = [], self.window == 0
        if empty.any():
            first = printable(self.paths[int(empty.argmax())])
            found.append(
                f"is empty in {empty.sum()} of {len(self)} faces, such as {first}: "
                "take them out or choose another mask_type"
            )
        if not empty.all():
            found += self._doubts_of_mean(self.face[~empty].mean(), self.window[~empty].mean())
        return found

    def _doubts_of_mean(self, face: float, window: float) -> list[str]:
        if face < _LEAST_OF_FACE:
            return [
                f"covers only {face:.0%} of the face that the landmarks show: it may be "
                "inverted, or made for other pictures; choose another mask_type"
            ]
        if window > _MOST_OF_WINDOW:
            return [
                f"covers {window:.1%} of the trained window, so next to nothing is left out: "
                "choose another mask_type or less mask_dilation"
            ]
        return []


def measure_masks(faces: FaceSet, coverage: float) -> MaskShares:
    """Measure the face masks of all faces with landmarks inside the trained window.

    A pixel counts as face from the middle of the mask's range.

    Parameters
    ----------
    faces
        Faces at full coverage.
    coverage
        Part of their edge that the trained window spans, above 0 and up to 1.
    """
    edge = window_edge(faces.size, coverage)
    start = (faces.size - edge) // 2
    inside = slice(start, start + edge)
    chosen = np.flatnonzero(faces.has_landmarks)
    shares = np.zeros((2, len(chosen)))
    for column, index in enumerate(chosen):
        marked = faces.masks[index][inside, inside, 0] >= _MARKED
        face = masks.components(faces.landmarks[index], faces.size)[inside, inside] > 0
        # A face whose landmarks lie outside the window has nothing there that a mask could miss.
        shares[:, column] = marked.mean(), marked[face].mean() if face.any() else 1
    return MaskShares(tuple(faces.paths[index] for index in chosen), *shares)
