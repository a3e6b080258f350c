from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lib.errors import FaceswapError
from lib.media.mark import SOURCE_TYPE, read_mark
from lib.media.source import open_source
from plugins.convert.writer.picture import Options, Writer
from tests.fixtures import clips


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    Image.fromarray(clips.picture(3)[..., ::-1]).save(path)
    return path


def write(picture: Path, path: Path, options: Options | None = None) -> None:
    source = open_source(picture)
    with Writer(path, source, options) as writer:
        for frame in source.frames():
            writer.write(frame, 1)
        assert writer.faces == 1
        assert not path.exists(), "it is written as a whole"
        writer.finish()


def test_png_is_bit_exact_and_marked(picture: Path, tmp_path: Path) -> None:
    write(picture, tmp_path / "out.png")
    read = next(open_source(tmp_path / "out.png").frames()).image
    np.testing.assert_array_equal(read, clips.picture(3))
    assert read_mark(tmp_path / "out.png") == SOURCE_TYPE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "out.png"]


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_others_are_smaller_at_lower_quality(picture: Path, tmp_path: Path, suffix: str) -> None:
    for quality in (95, 20):
        write(picture, tmp_path / f"{quality}.{suffix}", Options(quality=quality))
        assert read_mark(tmp_path / f"{quality}.{suffix}") == SOURCE_TYPE
    high, low = ((tmp_path / f"{quality}.{suffix}").stat().st_size for quality in (95, 20))
    assert low < high


def test_of_several_pictures_none_is_taken(picture: Path, tmp_path: Path) -> None:
    (picture.parent / "more").mkdir()
    for name in ("1.png", "2.png"):
        picture.with_name("more").joinpath(name).write_bytes(picture.read_bytes())
    clip = clips.write_clip(tmp_path / "clip.mp4", 2)
    for source in (tmp_path / "more", clip):
        with pytest.raises(FaceswapError, match=r"holds more: name a folder for them, or a video"):
            Writer(tmp_path / "out.png", open_source(source))


def test_a_source_without_a_frame_leaves_none(picture: Path, tmp_path: Path) -> None:
    with (
        Writer(tmp_path / "out.png", open_source(picture)) as writer,
        pytest.raises(FaceswapError, match="no frames were written"),
    ):
        writer.finish()
    assert not (tmp_path / "out.png").exists()


def test_a_suffix_that_can_not_be_written_is_refused_at_once(picture: Path) -> None:
    with pytest.raises(FaceswapError, match=r"written as '.bmp': use .png, .jpg or .webp"):
        Writer(picture.with_name("out.bmp"), open_source(picture))


def test_the_picture_itself_is_not_written_over(picture: Path) -> None:
    with pytest.raises(FaceswapError, match="is the source itself"):
        Writer(picture, open_source(picture))
