"""Folders of rendered faces in the stored format, and what a perfect swap of each would show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import Alignment
from lib.align.header import FaceHeader, read_text, write_png
from lib.errors import FaceswapError
from lib.progress import progress
from lib.synthetic.parameters import Identity, Shot, from_json, to_json
from lib.synthetic.render import locate, render

KEYWORD = "faceswap-synthetic"
"""Keyword of the PNG text chunk that holds the identity and the shot as JSON."""

_CENTRING = "head"


def write_faces(
    folder: Path,
    identity: Identity,
    shots: Sequence[Shot],
    prefix: str,
    size: int = 256,
    label: str = "faces",
) -> list[Path]:
    """Render one person in every shot and store the faces as an extractor would.

    Each file is a head-centred crop with the documented header, so it trains like any other face; a
    second text chunk keeps the parameters, so that the true swap can be rendered later.

    Parameters
    ----------
    folder
        Where to write; made if it is missing.
    identity, shots
        Who, and how; frame number k + 1 shows `shots[k]`.
    prefix
        Files are named ``<prefix>_000001_0.png`` and so on.
    size
        Edge of the crops in pixels.
    label
        What the progress bar calls them.

    Returns
    -------
    list of Path
        The files written, in order.

    Raises
    ------
    FaceswapError
        The folder or a file can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FaceswapError(
            f"'{folder}' can't be made ({error.strerror or error}): name another folder"
        ) from error
    paths = []
    for number, shot in enumerate(progress(shots, label, len(shots)), start=1):
        name = f"{prefix}_{number:06d}"
        path = folder / f"{name}_0.png"
        frame, landmarks, crop = _shoot(identity, identity, shot, size)
        header = FaceHeader(
            landmarks=landmarks,
            box=_box(landmarks),
            original_filename=path.name,
            source_filename=f"{name}.png",
            source_frame_dims=(frame, frame),
        )
        write_png(path, crop, header, {KEYWORD: json.dumps(to_json(identity, shot))})
        paths.append(path)
    return paths


def read_parameters(data: bytes) -> tuple[Identity, Shot] | None:
    """Identity and shot of a stored face, or None where the file keeps none.

    Parameters
    ----------
    data
        The PNG file.

    Raises
    ------
    FaceswapError
        The chunk is there but malformed.
    """
    text = read_text(data, KEYWORD)
    if text is None:
        return None
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise FaceswapError(
            f"The chunk '{KEYWORD}' is not JSON ({err}): write the picture again."
        ) from err
    return from_json(raw)


def render_truth(
    source: Identity, target: Identity, shot: Shot, size: int = 256
) -> NDArray[np.uint8]:
    """Show what a perfect swap shows: `target` in the shot and the crop window of `source`.

    Parameters
    ----------
    source
        The person whose stored face is swapped; the window is aligned to that person's landmarks.
    target
        The person to show. With `target` equal to `source` this is the stored face itself.
    shot
        Pose, expression and light of the stored face.
    size
        Edge of the crop in pixels.

    Returns
    -------
    ndarray
        (size, size, 3) uint8 BGR.
    """
    return _shoot(source, target, shot, size)[2]


def _shoot(
    window: Identity, shown: Identity, shot: Shot, size: int
) -> tuple[int, NDArray[np.float64], NDArray[np.uint8]]:
    """Frame edge, landmarks of `window` in the frame, and the crop that shows `shown`."""
    frame = round(size * 1.25)
    portrait = render(shown, shot, frame)
    landmarks = portrait.landmarks if shown == window else locate(window, shot, frame)
    matrix = Alignment(landmarks).matrix(size, _CENTRING)
    crop = cv2.warpAffine(portrait.image, matrix, (size, size), flags=cv2.INTER_CUBIC)
    return frame, landmarks, np.asarray(crop, np.uint8)


def _box(landmarks: NDArray[np.float64]) -> tuple[int, int, int, int]:
    x, y = np.floor(landmarks.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(landmarks.max(axis=0)).astype(int).tolist()
    return x, y, right - x, bottom - y
