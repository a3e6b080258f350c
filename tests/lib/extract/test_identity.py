import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lib.align.header import read_header
from lib.errors import FaceswapError
from lib.extract.face import Face
from lib.extract.identity import ALIKE, Identity
from lib.extract.weights import Weights
from lib.media.source import open_source

CLIPS = ("bbaf2n", "sbia1a", "brbk7n", "lbbc2a")


@pytest.mark.skipif(
    not find_spec("dlib") or not find_spec("face_recognition_models"),
    reason="dlib and its network are needed, and are not installed",
)
def test_four_speakers_are_told_apart(grid: Path) -> None:
    embed, vectors = Identity(), []
    for name in CLIPS:
        files = sorted((grid / name).glob("*.png"))
        for frame in open_source(grid.parent / f"{name}.mpg").frames(every=25):
            header = read_header(files[frame.index].read_bytes())
            assert header is not None
            vectors.append(embed(frame.image, Face(header.box, header.landmarks)))
    each = np.array(vectors)
    apart = np.linalg.norm(each[:, None] - each, axis=-1)
    who = np.repeat(np.arange(4), 3)
    is_same = who[:, None] == who
    assert apart[is_same].max() < ALIKE - 0.2
    assert apart[~is_same].min() > ALIKE + 0.05


def test_without_dlib_the_command_that_installs_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    monkeypatch.setattr(Weights, "path", lambda _: tmp_path)
    with pytest.raises(FaceswapError, match="run 'pip install dlib-bin face-recognition-models"):
        Identity()
