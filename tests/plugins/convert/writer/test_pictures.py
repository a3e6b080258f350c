import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from lib.errors import FaceswapError
from lib.media.mark import SOURCE_TYPE, read_mark
from lib.media.source import Source, open_source
from plugins.convert.writer.pictures import Options, Writer


@pytest.fixture
def folder(tmp_path: Path, clips: ModuleType) -> Path:
    """Six pictures; two of them differ in their suffix only."""
    path = tmp_path / "in"
    path.mkdir()
    for number, name in enumerate(["1.png", "2.bmp", "2.png", "3.png", "4.png", "5.png"]):
        Image.fromarray(clips.picture(number)[..., ::-1]).save(path / name)
    return path


def write(source: Source, path: Path, options: Options | None = None) -> None:
    with Writer(path, source, options) as writer:
        for frame in source.frames():
            writer.write(frame)
        writer.finish()


def test_png_is_bit_exact_and_marked(tmp_path: Path, folder: Path) -> None:
    source, out = open_source(folder), tmp_path / "out"
    write(source, out)
    names = ["1.png", "2.bmp.png", "2.png.png", "3.png", "4.png", "5.png"]
    assert sorted(os.listdir(out)) == names
    for frame, written in zip(source.frames(), open_source(out).frames(), strict=True):
        np.testing.assert_array_equal(frame.image, written.image)
        assert read_mark(out / written.name) == SOURCE_TYPE


def test_jpg_is_close_and_smaller_at_lower_quality(tmp_path: Path, clips: ModuleType) -> None:
    source = open_source(clips.write_clip(tmp_path / "clip.mp4", 2))
    sizes = {}
    for quality in (95, 30):
        out = tmp_path / str(quality)
        write(source, out, Options(format="jpg", quality=quality))
        assert sorted(os.listdir(out)) == ["clip_000001.jpg", "clip_000002.jpg"]
        sizes[quality] = (out / "clip_000001.jpg").stat().st_size
        assert read_mark(out / "clip_000001.jpg") == SOURCE_TYPE
    assert sizes[30] < sizes[95]
    for frame, written in zip(source.frames(), open_source(tmp_path / "95").frames(), strict=True):
        assert np.abs(frame.image.astype(int) - written.image).mean() < 3


def test_a_killed_run_is_gone_on_with(tmp_path: Path, folder: Path) -> None:
    source, out = open_source(folder), tmp_path / "out"
    out.mkdir()
    (out / "5.png").write_text("another run's")
    os.utime(out / "5.png", (0, 0))
    with Writer(out, source) as writer:
        for frame in list(source.frames())[:4]:
            writer.write(frame)
        assert writer.done == 4
    assert (out / "unfinished.json").exists()
    (out / ".saving-1-4.png").write_bytes(b"half")
    with Writer(out, source, Options(format="jpg"), resume=True) as other:
        assert other.done == 0
    with Writer(out, source) as writer:
        for frame in list(source.frames())[:4]:
            writer.write(frame)
    with Writer(out, source, resume=True) as writer:
        assert writer.done == 4
        for frame in source.frames(start=4):
            writer.write(frame)
        writer.finish()
    assert "unfinished.json" not in os.listdir(out)
    assert not list(out.glob(".saving*"))
    assert len(list(open_source(out).frames())) == 6


def test_mistakes_are_one_line(tmp_path: Path, folder: Path) -> None:
    source = open_source(folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(FaceswapError, match="source itself"):
        Writer(folder, source)
    with pytest.raises(FaceswapError, match="file' is a file: name a folder"):
        Writer(tmp_path / "file", source)
    with (
        Writer(tmp_path / "none", source) as writer,
        pytest.raises(FaceswapError, match="no frames"),
    ):
        writer.finish()


@pytest.mark.skipif(sys.platform == "win32", reason="folders there can't be closed this way")
def test_a_write_that_fails_says_what_is_kept(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_source(folder)
    frames = list(source.frames())
    with Writer(tmp_path / "out", source) as writer:
        writer.write(frames[0])

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(FaceswapError, match=r"No space left.*; 1 frames are kept in .*resume"):
            writer.write(frames[1])
    assert sorted(os.listdir(tmp_path / "out")) == ["1.png", "unfinished.json"]


def test_files_are_signed_before_they_get_their_name(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool]] = []

    class Signer:
        def sign(self, path: Path, title: str) -> None:
            seen.append((title, path.exists() and not (tmp_path / "out" / title).exists()))

    source = open_source(folder)
    make: Callable[..., Writer] = Writer
    with make(tmp_path / "out", source, credentials=Signer()) as writer:
        writer.write(next(source.frames()))
    assert seen == [("1.png", True)]
