"""The notebook runs from top to bottom, and ends with a film."""

import base64
import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from lib.media.mark import SOURCE_TYPE, read_mark
from scripts.arguments import make_parser

nbformat = pytest.importorskip("nbformat", reason="the extra 'docs' is not installed")
nbclient = pytest.importorskip("nbclient", reason="the extra 'docs' is not installed")

FILE = Path(__file__).parents[2] / "examples" / "colab.ipynb"


@pytest.fixture
def notebook() -> Any:
    return nbformat.read(FILE, as_version=4)


def shown(cell: Any, kind: str) -> Iterator[str]:
    """What a cell displays of a kind."""
    for output in cell.outputs:
        if kind in output.get("data", {}):
            yield output["data"][kind]


def test_it_is_kept_without_what_it_once_printed(notebook: Any) -> None:
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(cells) >= 7
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


def test_its_commands_are_such_as_the_program_takes(notebook: Any) -> None:
    lines = [line for cell in notebook.cells for line in cell.source.splitlines()]
    calls = [shlex.split(line)[1:] for line in lines if line.startswith("faceswap ")]
    assert {words[0] for words in calls} == {"extract", "train", "convert"}
    for words in calls:
        make_parser().parse_args(words)


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(
    notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    work = tmp_path / "work"
    work.mkdir()
    where = {"metadata": {"path": str(work)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=where).execute()

    displayed = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    (sheet,) = (data for cell in displayed for data in shown(cell, "image/png"))
    saved = work / "models" / "pair" / "training_preview.png"
    assert base64.b64decode(sheet) == saved.read_bytes()
    (film,) = (
        found
        for cell in displayed
        for data in shown(cell, "text/html")
        for found in re.findall(r"data:video/mp4;base64,([^\"]+)", data)
    )
    assert base64.b64decode(film) == (work / "swapped.mp4").read_bytes()
    assert read_mark(work / "swapped.mp4") == SOURCE_TYPE
    with av.open(str(work / "swapped.mp4")) as clip:
        assert sum(1 for _ in clip.decode(video=0)) == 30
