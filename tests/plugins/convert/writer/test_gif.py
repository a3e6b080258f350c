from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from lib.errors import FaceswapError
from lib.media.mark import SOURCE_TYPE, read_mark
from lib.media.source import Source, open_source
from plugins.convert.writer import gif
from plugins.convert.writer.gif import Options, Writer
from tests.fixtures import clips


def write(source: Source, path: Path, options: Options | None = None) -> list[tuple[float, int]]:
    """Write an animation and read it back: the grey of each picture and its milliseconds."""
    with Writer(path, source, options) as writer:
        for frame in source.frames():
            writer.write(frame)
        writer.finish()
    found = []
    with Image.open(path) as picture:
        for number in range(picture.n_frames):
            picture.seek(number)
            middle = picture.width // 2, picture.height // 2
            found.append((picture.convert("L").getpixel(middle), picture.info["duration"]))
    return found


def test_frames_are_thinned_out_to_the_rate(tmp_path: Path) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 20))
    shown = write(source, tmp_path / "out.gif")
    # 25 a second in slots of 1/10 s: the first frame of each.
    numbers = [0, 3, 5, 8, 10, 13, 15, 18]
    assert [round((grey - 40) / 8) for grey, _ in shown] == numbers
    stamps = [0, 120, 200, 320, 400, 520, 600, 720]
    assert [sum(ms for _, ms in shown[:at]) for at in range(8)] == stamps
    assert read_mark(tmp_path / "out.gif") == SOURCE_TYPE


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    times = [Fraction(at, 10) for at in (0, 1, 6, 7)]
    source = open_source(clips.write_clip(tmp_path / "in.mp4", times=times))
    shown = write(source, tmp_path / "out.gif")
    assert [ms for _, ms in shown] == [100, 500, 100, 100]


def test_large_frames_are_made_smaller(tmp_path: Path) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 2))
    write(source, tmp_path / "out.gif", Options(size=32))
    with Image.open(tmp_path / "out.gif") as picture:
        assert picture.size == (32, 24)


def test_a_flat_frame_keeps_a_row(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, size in enumerate([(60, 60), (1, 3000)]):
        image = clips.picture(number, size)
        Image.fromarray(image[..., ::-1]).save(tmp_path / "in" / f"{number}.png")
    write(open_source(tmp_path / "in"), tmp_path / "out.gif")
    with Image.open(tmp_path / "out.gif") as picture:
        assert picture.n_frames == 2


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 2))
    with pytest.raises(FaceswapError, match=r"ends in \.gif"):
        Writer(tmp_path / "out.mp4", source)
    with Writer(tmp_path / "out.gif", source) as writer:
        assert writer.done == 0
        with pytest.raises(FaceswapError, match="no frames"):
            writer.finish()
    assert not (tmp_path / "out.gif").exists()


def test_too_many_pictures_are_refused_before_they_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 20))  # 8 pictures of 64x48
    monkeypatch.setattr(gif, "MOST_PIXELS", 7 * 64 * 48)
    with pytest.raises(FaceswapError, match=r"more than 7 pictures of 64x48 .*lower fps or size"):
        write(source, tmp_path / "out.gif")
    write(source, tmp_path / "slow.gif", Options(fps=5))
    write(source, tmp_path / "small.gif", Options(size=32))
    monkeypatch.setattr(type(source), "count", None, raising=False)
    source.__dict__.pop("count")  # as of a file that does not tell its length
    with Writer(tmp_path / "out.gif", source) as writer:
        for frame in list(source.frames())[:18]:
            writer.write(frame, faces=2)
        assert writer.faces == 36
        with pytest.raises(FaceswapError, match="more than 7 pictures"):
            writer.write(list(source.frames())[18])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "slow.gif", "small.gif"]
