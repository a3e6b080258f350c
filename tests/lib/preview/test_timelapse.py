import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lib.errors import FaceswapError
from lib.media.mark import SOURCE_TYPE, read_mark
from lib.preview.timelapse import write_timelapse

BLACK = np.zeros((16, 24, 3), np.uint8)
RED = np.full((16, 24, 3), (0, 0, 255), np.uint8)


def test_a_picture_is_named_after_its_second(tmp_path: Path) -> None:
    path = write_timelapse(tmp_path / "new" / "folder", RED, when=1_700_000_000.9)
    assert path == tmp_path / "new" / "folder" / "1700000000.jpg"
    with Image.open(path) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (24, 16)
        assert np.abs(np.asarray(picture).astype(int) - (255, 0, 0)).max() < 5
    assert read_mark(path) == SOURCE_TYPE


def test_the_time_is_now_where_none_is_given(tmp_path: Path) -> None:
    before = int(time.time())
    path = write_timelapse(str(tmp_path), BLACK)
    assert before <= int(path.stem) <= int(time.time())


def test_pictures_of_one_second_get_names_of_their_own(tmp_path: Path) -> None:
    paths = [write_timelapse(tmp_path, image, when=100) for image in (BLACK, RED, BLACK)]
    assert [path.name for path in paths] == ["100.jpg", "101.jpg", "102.jpg"]
    means = []
    for path in paths:
        with Image.open(path) as picture:
            means.append(np.asarray(picture)[..., 0].mean())
    assert means == pytest.approx([0, 255, 0], abs=3)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "within"):
        with pytest.raises(FaceswapError, match=rf"'{folder}'.*--timelapse-output"):
            write_timelapse(folder, BLACK)


def test_a_failed_write_leaves_no_empty_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FaceswapError, match="No space left"):
        write_timelapse(tmp_path, BLACK, when=100)
    assert not list(tmp_path.iterdir())
