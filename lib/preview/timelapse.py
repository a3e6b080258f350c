"""Keeps a picture of every stage of training, for a film of how the faces came to be."""

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lib.errors import FaceswapError
from lib.media.mark import write_picture


def write_timelapse(
    folder: str | Path, image: NDArray[np.uint8], when: float | None = None
) -> Path:
    """Write the next picture of a time-lapse, ``<unix seconds>.jpg``.

    A name that is taken stays as it is: the picture gets the next free second.

    Parameters
    ----------
    folder
        Folder of the time-lapse; made where it is missing.
    image
        ``(height, width, 3)``, BGR.
    when
        Seconds since 1970; None for now.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    FaceswapError
        The picture can't be written.
    """
    path = _reserve(Path(folder), int(time.time() if when is None else when))
    try:
        write_picture(path, image)
    except FaceswapError:
        path.unlink(missing_ok=True)
        raise
    return path


def _reserve(folder: Path, second: int) -> Path:
    """Make an empty file of a free name, so that no other run takes it too."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            path = folder / f"{second}.jpg"
            try:
                path.touch(exist_ok=False)
                return path
            except FileExistsError:
                second += 1
    except OSError as error:
        raise FaceswapError(
            f"time-lapse folder '{folder}' can't be written: {error.strerror}; name another with "
            "--timelapse-output"
        ) from error
