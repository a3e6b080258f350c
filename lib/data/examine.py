"""What is to be said of a folder of faces: how many can be used, and which can't."""

import os
from collections.abc import Iterator

from lib.data.faceset import BadFace
from lib.data.files import find_images, read_face
from lib.data.sides import FEWEST
from lib.errors import FaceswapError
from lib.findings import Finding
from lib.progress import progress

SHOWN = 5
"""Bad files that are named; a run lists all of them in its report."""


def examine(folder: str) -> Iterator[Finding]:
    """How many faces of a folder can be used, and which can't."""
    try:
        paths = find_images(folder)
    except FaceswapError as error:
        yield False, str(error)
        return
    bad, plain = [], 0
    for path in progress(paths, os.path.basename(folder), len(paths)):
        try:
            plain += read_face(path).header is None
        except FaceswapError as error:
            bad.append(BadFace(path, str(error)))
    good = len(paths) - len(bad)
    few = "" if good >= FEWEST else f": training takes {FEWEST} at least"
    yield not few, f"'{folder}': {good} faces, {plain} of them without landmarks{few}"
    for face in bad[:SHOWN]:
        yield False, str(face)
    if len(bad) > SHOWN:
        yield False, f"'{folder}': {len(bad) - SHOWN} more bad files"
