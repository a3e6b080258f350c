"""What finds faces is made of plugins, also of a user's own."""

from argparse import Namespace
from pathlib import Path

import pytest

from lib.errors import FaceswapError
from scripts.finding import make_finder

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
