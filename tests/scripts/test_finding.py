"""What finds faces is made of plugins, also of a user's own."""

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from lib.errors import FaceswapError
from lib.extract.finder import FaceFinder
from lib.extract.recogniser import Recogniser
from scripts.finding import make_finder, nobody

FAULTY = """
from plugins.extract.{kind}._base import {kind_class}Base


class {kind_class}({kind_class}Base):
    def __init__(self, *_):
        raise RuntimeError("boom")

    def __call__(self, *_):
        return []
"""


@pytest.mark.parametrize(("kind", "named"), [("detect", "detector"), ("align", "aligner")])
def test_a_plugin_that_cannot_be_made_is_named(tmp_path: Path, kind: str, named: str) -> None:
    folder = tmp_path / kind
    folder.mkdir()
    (folder / "faulty.py").write_text(FAULTY.format(kind=kind, kind_class=kind.capitalize()))
    arguments = {"detector": "blazeface", "aligner": "facemesh", named: "faulty"}
    more = {"min_size": 24, "max_faces": None, "rotate": False, "only": None}
    with pytest.raises(FaceswapError, match=rf"^{named} 'faulty' \(.*\) raised RuntimeError: boom"):
        make_finder(Namespace(**arguments, **more, plugin_dir=str(tmp_path)))


def test_why_nobody_was_found_is_told() -> None:
    finder = FaceFinder(lambda _: [], lambda _image, _found: None)
    assert nobody("clip.mp4", finder).startswith("no face was found in 'clip.mp4': try --rotate")
    finder.recogniser = Recogniser(lambda _image, _face: np.zeros(128))
    assert nobody("clip.mp4", finder).startswith("no face was found")
    finder.recogniser.unwanted = 7
    assert nobody("clip.mp4", finder) == "none of 7 faces in 'clip.mp4' is like the one of --only"
    assert "the alignments file tells of no face in" in nobody("clip.mp4", None)
    assert "tells of no face of person 2 in the frames" in nobody("clip.mp4", None, 2)
