import io
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
from PIL import Image

from lib.media.mark import SOURCE_TYPE, read_mark
from lib.preview.notebook import NotebookViewer


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
