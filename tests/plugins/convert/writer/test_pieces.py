"""A video that was stopped goes on after its last whole piece."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from lib.errors import FaceswapError
from lib.media.source import open_source
from plugins.convert.writer.video import Options, Writer
from tests.fixtures import clips
from tests.fixtures.writing import FAST, pictures, write


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file grows beyond a size in bytes, as on a disk that is full."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def packets(path: Path) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        found = [packet for packet in container.demux(video=0) if packet.size]
        return [(Fraction(packet.pts or 0) * packet.time_base, bytes(packet)) for packet in found]


def test_a_killed_run_is_gone_on_with(tmp_path: Path) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 11, sound="aac"))
    whole = write(source, tmp_path / "whole.mp4")
    path = write(source, tmp_path / "out.mp4", stop=9)
    parts = tmp_path / "out.mp4.parts"
    assert not path.exists()
    assert [file.name for file in sorted(parts.glob("*.nut"))] == [
        "00000000-00000004-000002-004.nut",
        "00000004-00000008-000002-004.nut",
    ]
    (parts / ".saving-1-2.nut").write_bytes(b"half")
    with Writer(path, source, FAST, resume=True) as writer:
        assert (writer.done, writer.faces) == (8, 4)
        for frame in source.frames(start=writer.done):
            writer.write(frame, faces=3)
        assert writer.faces == 13
        writer.finish()
    assert packets(path) == packets(whole)
    assert clips.sound_of(path) == clips.sound_of(whole)
    assert not parts.exists()


def test_pieces_of_an_earlier_run_are_not_lost(tmp_path: Path) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 11))
    path, parts = tmp_path / "out.mp4", tmp_path / "out.mp4.parts"
    write(source, path, stop=9)
    before = {file: file.read_bytes() for file in parts.iterdir()}

    def refusal(options: Options = FAST, **rest: Any) -> str:
        with pytest.raises(FaceswapError, match=r"parts' holds 8 frames of an earlier") as raised:
            Writer(path, source, options, **rest)
        assert {file: file.read_bytes() for file in parts.iterdir()} == before
        return str(raised.value)

    assert "earlier run: go on with it by --resume, or remove it" in refusal()
    assert "made with another color:" in refusal(made_with={"color": "x"})
    assert "made with another crf: go on with it by --resume with the same options," in refusal(
        Options(preset="ultrafast", crf=11), resume=True
    )
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 12))
    assert "made with another source:" in refusal(resume=True)
    (parts / "unfinished.json").unlink()
    del before[parts / "unfinished.json"]
    assert "nothing says how they were made: remove it" in refusal(resume=True)


def test_pieces_after_a_gap_are_written_again(tmp_path: Path) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 11))
    path = write(source, tmp_path / "out.mp4", stop=9)
    parts = tmp_path / "out.mp4.parts"
    (parts / "00000000-00000004-000002-004.nut").unlink()
    with Writer(path, source, FAST, resume=True) as writer:
        assert (writer.done, writer.faces) == (0, 0)
    assert not parts.exists()


@pytest.mark.parametrize("left", [0.5, 0])
def test_a_damaged_piece_and_those_after_it_are_written_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, left: float
) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 11))
    path = write(source, tmp_path / "out.mp4", stop=9)
    piece = tmp_path / "out.mp4.parts" / "00000004-00000008-000002-004.nut"
    data = piece.read_bytes()
    piece.write_bytes(data[: int(len(data) * left)] or bytes(range(256)))
    with Writer(path, source, FAST, resume=True) as writer:
        assert (writer.done, writer.faces) == (4, 2)
        for frame in source.frames(start=writer.done):
            writer.write(frame)
        writer.finish()
    assert "is damaged: frames from 5 on are made anew" in caplog.text
    assert len(list(open_source(path).frames())) == 11


def test_a_piece_of_pictures_some_of_which_are_broken_is_whole(tmp_path: Path) -> None:
    source = open_source(pictures(tmp_path / "in", 9))
    path = write(source, tmp_path / "out.mp4", stop=7)
    with Writer(path, source, FAST, resume=True) as writer:
        assert writer.done == 5


def test_what_was_left_without_a_piece_is_no_hindrance(tmp_path: Path) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 3))
    path = write(source, tmp_path / "out.mp4", stop=2)
    assert [file.name for file in tmp_path.iterdir()] == ["in.mp4"]
    (tmp_path / "out.mp4.parts").mkdir()
    (tmp_path / "out.mp4.parts" / "unfinished.json").write_text("half")
    write(source, path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of files")
def test_a_full_disk_is_one_line_and_keeps_what_is_whole(tmp_path: Path) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 11, sound="aac"))
    path = tmp_path / "out.mp4"
    frames = list(source.frames())
    with Writer(path, source, FAST) as writer:
        for frame in frames[:3]:
            writer.write(frame)
        with largest_file(100), pytest.raises(FaceswapError, match="File too large$"):
            writer.write(frames[3])
        assert writer.done == 0
    with Writer(path, source, FAST) as writer:
        for frame in frames[:7]:
            writer.write(frame)
        with largest_file(100), pytest.raises(FaceswapError, match="4 frames are kept") as raised:
            writer.write(frames[7])
    assert "\n" not in str(raised.value)
    assert "File too large" in str(raised.value)
    assert "out.mp4.parts" in str(raised.value)
    with Writer(path, source, FAST, resume=True) as writer:
        assert writer.done == 4
        for frame in frames[4:]:
            writer.write(frame)
        with largest_file(6000), pytest.raises(FaceswapError, match="11 frames are kept"):
            writer.finish()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.mp4", "out.mp4.parts"]
    with Writer(path, source, FAST, resume=True) as writer:
        assert writer.done == 11
        writer.finish()
    assert len(clips.times_of(path)) == 11
