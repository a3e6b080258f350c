"""A cell of a notebook trains."""

import base64
from pathlib import Path
from typing import Any

import pytest

from lib.media.mark import SOURCE_TYPE, read_mark

nbclient = pytest.importorskip("nbclient", reason="notebooks are run by nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_sheet_stands_below_the_cell_that_trains(
    rendered: dict[str, Path], tmp_path: Path
) -> None:
    words = ["train", "-A", str(rendered["a"]), "-B", str(rendered["b"]), "-b", "4", "-t", "tiny"]
    words += ["-m", str(tmp_path / "model"), "--plugin-dir", str(PLUGINS), "-w", "-it", "3"]
    cell = f"from faceswap.cli import main\nassert main({words}) == 0"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs: list[Any] = notebook.cells[0].outputs
    (shown,) = (output for output in outputs if output["output_type"] == "display_data")
    sheet = base64.b64decode(shown["data"]["image/png"])
    assert sheet == (tmp_path / "model" / "training_preview.png").read_bytes(), "the newest one"
    (tmp_path / "sheet.png").write_bytes(sheet)
    assert read_mark(tmp_path / "sheet.png") == SOURCE_TYPE
    said = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    assert "Stopped at iteration 3" in said
