"""Whole frames with a face in them: rendered ones, and real ones where they are at hand."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from lib.data.files import RawFace, read_face
from lib.synthetic.dataset import write_faces
from lib.synthetic.parameters import Identity, Shot
from lib.synthetic.render import render

NUMBER = 10


@dataclass(frozen=True)
class Scene:
    """A frame, its face's landmarks, and the face as an extractor stored it."""

    image: NDArray[np.uint8]
    landmarks: NDArray[np.float64]
    stored: RawFace


@pytest.fixture(scope="session", params=["person 3", "person 8", "bbaf2n", "lbbc2a"])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    if not request.param.startswith("person"):
        return _real(request.getfixturevalue("grid"), request.param)
    number = int(request.param.split()[1])
    who, shot = (kind.random(np.random.default_rng(number)) for kind in (Identity, Shot))
    # What the file is cut out of is a frame a quarter wider than itself.
    (path,) = write_faces(tmp_path_factory.mktemp("stored"), who, [shot], "a", size=256)
    portrait = render(who, shot, 320)
    return Scene(portrait.image, portrait.landmarks, read_face(str(path)))


def _real(faces: Path, clip: str) -> Scene:
    stored = read_face(str(sorted((faces / clip).glob("*.png"))[NUMBER]))
    assert stored.header is not None
    with av.open(str(faces.parent / f"{clip}.mpg")) as video:
        frame = next(islice(video.decode(video=0), NUMBER, None))
    return Scene(frame.to_ndarray(format="bgr24"), stored.header.landmarks, stored)
