"""The faces of a preview one by one, for viewers that show more than the sheet."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.errors import FaceswapError
from lib.files import replacing

Pixels = NDArray[np.uint8]
FILE = "preview.npz"


@dataclass(frozen=True, kw_only=True, eq=False)
class SideFaces:
    """Faces of one side and what the model makes of them, BGR.

    Attributes
    ----------
    originals
        ``(n, size, size, 3)``.
    same, swapped
        ``(n, size, size, 3)``: drawn by their own side's decoder and by the other's, in place in
        the whole face.
    masks
        ``(n, size, size)``, 0..255: where the face is.
    """

    originals: Pixels
    same: Pixels
    swapped: Pixels
    masks: Pixels


def write_samples(folder: Path, iteration: int, sides: Mapping[str, SideFaces]) -> None:
    """Put the faces of a preview in the place of the last ones.

    Parameters
    ----------
    folder
        The live folder.
    iteration
        Iterations trained when they were drawn.
    sides
        By side, "a" and "b".

    Raises
    ------
    FaceswapError
        The folder can't be written to.
    """
    arrays: dict[str, Any] = {
        f"{side}_{name}": value
        for side, faces in sides.items()
        for name, value in vars(faces).items()
    }
    with replacing(folder / FILE) as temporary, temporary.open("wb") as file:
        np.savez(file, iteration=iteration, **arrays)


def read_samples(folder: Path) -> tuple[int, dict[str, SideFaces]] | None:
    """Iteration and faces of the newest preview, None where there is none yet.

    Raises
    ------
    FaceswapError
        There is one that can't be read.
    """
    path = folder / FILE
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            sides = {
                side: SideFaces(
                    **{name: held[f"{side}_{name}"] for name in SideFaces.__annotations__}
                )
                for side in "ab"
            }
            if not all(map(_are_faces, sides.values())):
                raise ValueError("these are no faces")
            return int(held["iteration"]), sides
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever NumPy and the archive make of a damaged file
        raise FaceswapError(f"'{path}' holds no preview: {error}") from error


def _are_faces(faces: SideFaces) -> bool:
    shape = faces.originals.shape
    shapes = {array.shape for array in (faces.originals, faces.same, faces.swapped)}
    is_whole = len(shape) == 4 and shape[3] == 3 and 0 not in shape
    is_alike = shapes == {shape} and faces.masks.shape == shape[:3]
    return is_whole and is_alike and all(one.dtype == np.uint8 for one in vars(faces).values())
