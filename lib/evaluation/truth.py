"""The true answer of a swap, which can be rendered where the faces were rendered."""

from pathlib import Path

import numpy as np

from lib.data.faceset import Cut, FaceSet, cut_face
from lib.data.files import RawFace, read_face
from lib.errors import FaceswapError
from lib.synthetic.dataset import read_parameters, render_truth
from lib.synthetic.parameters import Identity, Shot


def true_swaps(source: FaceSet, target: FaceSet, cut: Cut) -> FaceSet | None:
    """Render what perfect swaps would show.

    Parameters
    ----------
    source
        Faces that are swapped.
    target
        Faces of the person whose identity they get.
    cut
        What `source` was cut to.

    Returns
    -------
    FaceSet or None
        The faces of `source`, masks and all, with the other person's picture in each; None where
        any face was not rendered.
    """
    found = _parameters(target.paths[0])
    if found is None:
        return None
    truths = []
    for path in source.paths:
        truth = _true_swap(path, found[0])
        if truth is None:
            return None
        truths.append(cut_face(truth, cut)[0])
    return FaceSet(source.paths, np.stack(truths), source.masks, source.landmarks)


def _parameters(path: str) -> tuple[Identity, Shot] | None:
    try:
        return read_parameters(Path(path).read_bytes())
    except (OSError, FaceswapError):
        return None


def _true_swap(path: str, identity: Identity) -> RawFace | None:
    parameters = _parameters(path)
    if parameters is None:
        return None
    face = read_face(path)
    person, shot = parameters
    truth = render_truth(person, identity, shot, size=len(face.image))
    return RawFace(truth, face.header)
