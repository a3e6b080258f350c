import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from lib.errors import FaceswapError
from lib.media.mark import SOURCE_TYPE, read_mark
from lib.media.source import Source, open_source
from plugins.convert.writer.pictures import Options, Writer
from tests.fixtures import clips


@pytest.fixture
def folder(tmp_path: Path) -> Path:
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


def test_jpg_is_close_and_smaller_at_lower_quality(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_the_colour_profile_is_kept(tmp_path: Path, kind: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.fromarray(clips.picture(0)[..., ::-1])
    picture.save(tmp_path / "1.png", icc_profile=profile)
    out = tmp_path / "out"
    write(open_source(tmp_path / "1.png"), out, Options(format=kind))
    with Image.open(out / f"1.{kind}") as written:
        assert written.info["icc_profile"] == profile
    assert read_mark(out / f"1.{kind}") == SOURCE_TYPE


def begin(out: Path, source: Source, frames: int, **rest: Any) -> Writer:
    """Write the first frames, each with two faces, and leave it at that."""
    with Writer(out, source, **rest) as writer:
        for frame in list(source.frames())[:frames]:
            writer.write(frame, faces=2)
    return writer


def test_a_killed_run_is_gone_on_with(tmp_path: Path, folder: Path) -> None:
    source, out = open_source(folder), tmp_path / "out"
    out.mkdir()
    assert begin(out, source, 4).done == 4
    assert (out / "unfinished.json").exists()
    (out / ".saving-1-4.png").write_bytes(b"half")
    with Writer(out, source, resume=True) as writer:
        assert (writer.done, writer.faces) == (4, 8)
        for frame in source.frames(start=4):
            writer.write(frame, faces=1)
        assert writer.faces == 10
        writer.finish()
    assert "unfinished.json" not in os.listdir(out)
    assert not list(out.glob(".*"))
    assert len(list(open_source(out).frames())) == 6


def test_a_picture_gone_from_among_the_others_is_written_again(
    tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, out = open_source(folder), tmp_path / "out"
    begin(out, source, 5)
    (out / "2.png.png").unlink()
    with Writer(out, source, resume=True) as writer:
        assert writer.done == 2
        for frame in source.frames(start=2):
            writer.write(frame)
        writer.finish()
    assert "lacks pictures that were written: frames from 3 on are made anew" in caplog.text
    assert len(list(open_source(out).frames())) == 6


def test_what_is_gone_is_written_again(tmp_path: Path, folder: Path) -> None:
    source, out = open_source(folder), tmp_path / "out"
    begin(out, source, 4)
    for name in ("2.png.png", "3.png"):
        (out / name).unlink()
    with Writer(out, source, resume=True) as writer:
        assert writer.done == 2


@pytest.mark.parametrize("resume", [False, True])
def test_the_users_own_files_are_not_written_over(
    tmp_path: Path, folder: Path, *, resume: bool
) -> None:
    source, out = open_source(folder), tmp_path / "out"
    out.mkdir()
    (out / "1.png").write_text("mine")
    why = "no unfinished output of convert: name another" if resume else "holds files already"
    with pytest.raises(FaceswapError, match=rf"out' (is )?{why}"):
        Writer(out, source, resume=resume)
    assert [path.name for path in out.iterdir()] == ["1.png"]
    assert (out / "1.png").read_text() == "mine"
    write(source, tmp_path / "whole")
    with pytest.raises(FaceswapError, match=why):
        Writer(tmp_path / "whole", source, resume=resume)


@pytest.mark.parametrize("done", [0, 2])
def test_pictures_put_there_between_two_runs_are_not_written_over(
    tmp_path: Path, folder: Path, done: int
) -> None:
    source, out = open_source(folder), tmp_path / "out"
    begin(out, source, max(done, 1))
    if not done:
        record = json.loads((out / "unfinished.json").read_text())
        # As if it had been killed before it could note its first picture.
        (out / "unfinished.json").write_text(json.dumps(record | {"done": 0, "written": 0}))
    (out / "4.png").write_text("mine")
    (out / "notes.txt").write_text("mine")
    with pytest.raises(FaceswapError, match=rf"4.png' is none of the {done} pictures of the"):
        Writer(out, source, resume=True)
    (out / "4.png").unlink()
    with Writer(out, source, resume=True) as writer:
        assert writer.done == done
        for frame in source.frames(start=writer.done):
            writer.write(frame)
        writer.discard()
    assert os.listdir(out) == ["notes.txt"]


def test_frames_made_otherwise_are_kept_and_what_differs_is_named(
    tmp_path: Path, folder: Path
) -> None:
    source, out = open_source(folder), tmp_path / "out"
    made = {"color": "avg", "model": "a", "options": {"mask": {"blur": 1}}}
    begin(out, source, 2, made_with=made)
    other = {"color": "none", "model": "a", "options": {"mask": {"blur": 2}}}
    before = {path: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(FaceswapError, match=r"begun with another blur, color, format: go on with"):
        Writer(out, source, Options(format="jpg"), made_with=other, resume=True)
    with pytest.raises(FaceswapError, match=r"holds 2 frames of an earlier run: go on .*--resume,"):
        Writer(out, source, made_with=made)
    (folder / "1.png").write_bytes(before[out / "1.png"])
    with pytest.raises(FaceswapError, match="begun with another source:"):
        Writer(out, open_source(folder), made_with=made, resume=True)
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_a_folder_without_a_picture_is_as_it_was(tmp_path: Path, folder: Path) -> None:
    source = open_source(folder)
    (tmp_path / "there").mkdir()
    for name in ("new", "there"):
        begin(tmp_path / name, source, 0)
    assert not (tmp_path / "new").exists()
    assert list((tmp_path / "there").iterdir()) == []


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
        with (
            Writer(tmp_path / "other", source) as other,
            pytest.raises(FaceswapError, match="No space left on device$"),
        ):
            other.write(frames[0])
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


def test_what_is_discarded_leaves_what_others_put_there(tmp_path: Path, folder: Path) -> None:
    source, out = open_source(folder), tmp_path / "out"
    with Writer(out, source) as writer:
        for frame in source.frames():
            writer.write(frame)
        (out / "mine.txt").write_text("mine")
        writer.discard()
    assert os.listdir(out) == ["mine.txt"]
