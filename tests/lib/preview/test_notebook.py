import base64
import io
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from lib.media.mark import SOURCE_TYPE, read_mark
from lib.preview.notebook import NotebookViewer

CELL = """
import numpy as np
from lib.preview.notebook import NotebookViewer
viewer = NotebookViewer()
for value in (0, 200):
    viewer(np.full((8, 12, 3), (value, 0, 0), np.uint8), f"tiny - iteration {value}")
"""


def check(png: bytes, path, blue: int) -> None:
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        assert picture.size == (12, 8)
        assert np.asarray(picture)[0, 0].tolist() == [0, 0, blue]
    path.write_bytes(png)
    assert read_mark(path) == SOURCE_TYPE


def test_a_sheet_takes_the_place_of_the_one_before(tmp_path, monkeypatch) -> None:
    shown: list[bytes] = []

    def display(sheet: SimpleNamespace, display_id: bool) -> SimpleNamespace:
        assert display_id
        shown.append(sheet.data)
        return SimpleNamespace(update=lambda new: shown.__setitem__(0, new.data))

    fake = ModuleType("IPython.display")
    fake.Image = lambda data, alt: SimpleNamespace(data=data, alt=alt)
    fake.display = display
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    viewer = NotebookViewer()
    for blue in (0, 200):
        viewer(np.full((8, 12, 3), (blue, 0, 0), np.uint8), "tiny - iteration 1")
        assert len(shown) == 1
        check(shown[0], tmp_path / "sheet.png", blue)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_real_notebook_shows_the_newest_sheet_alone(tmp_path) -> None:
    nbclient, nbformat = (pytest.importorskip(name) for name in ("nbclient", "nbformat"))
    pytest.importorskip("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    check(base64.b64decode(output["data"]["image/png"]), tmp_path / "sheet.png", 200)
