import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from lib.errors import FaceswapError
from lib.media.colour import Colour
from lib.media.mark import SOURCE_TYPE, read_mark
from lib.media.source import open_source
from lib.media.video import VideoSource
from plugins.convert.writer.video import Options, Writer
from tests.fixtures import clips
from tests.fixtures.writing import FAST, pictures, write

UNEVEN = [Fraction(at, 90_000) for at in (9_000, 12_003, 20_000, 20_900, 90_001, 91_000)]


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".mp4", None),
        (".mov", "libx265"),
        (".mkv", None),
        (".webm", None),
        (".mp4", "libsvtav1"),
    ],
)
def test_frames_times_and_sound_are_the_sources(
    tmp_path: Path, suffix: str, codec: str | None
) -> None:
    name, track = ("in.webm", "libopus") if suffix == ".webm" else ("in.mp4", "aac")
    pictures = "libvpx-vp9" if suffix == ".webm" else "libx264"
    source = VideoSource(clips.write_clip(tmp_path / name, 11, codec=pictures, sound=track))
    options = Options(codec=codec, preset="ultrafast", crf=10)
    path = write(source, tmp_path / f"out{suffix}", options)
    written = VideoSource(path)
    frames = list(written.frames())
    assert [clips.number_of(frame.image) for frame in frames] == list(range(11))
    finest = Fraction(1, 2000) if suffix in (".mkv", ".webm") else 0
    times = [frame.time for frame in source.frames()]
    pairs = zip([frame.time for frame in frames], times, strict=True)
    assert all(abs(a - b) <= finest for a, b in pairs if a is not None and b is not None)
    assert written.video.rate == source.video.rate == 25
    before, after = clips.sound_of(source.path), clips.sound_of(path)
    assert [data for _, data in after] == [data for _, data in before]
    gaps = [abs(a - b) for (a, _), (b, _) in zip(after, before, strict=True)]
    assert max(gaps) <= Fraction(1, 2000)
    for frame, original in zip(frames, source.frames(), strict=True):
        assert np.abs(frame.image.astype(int) - original.image).mean() < 5
    assert read_mark(path) == SOURCE_TYPE
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([name, path.name])


def test_uneven_times_and_a_late_beginning_are_kept(tmp_path: Path) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", times=UNEVEN))
    path = write(source, tmp_path / "out.mp4")
    assert clips.times_of(path) == UNEVEN
    assert [frame.time for frame in open_source(path).frames()] == UNEVEN


def test_a_broadcast_clock_begins_at_0_and_sound_stays_in_step(tmp_path: Path) -> None:
    times = [Fraction(at + 255, 25) for at in range(6)]
    path = clips.write_clip(tmp_path / "in.ts", times=times, sound="mp2", sound_start=Fraction(10))
    source = open_source(path)
    written = write(source, tmp_path / "out.mkv")
    lead = clips.times_of(path)[0] - clips.sound_of(path)[0][0]
    assert lead > Fraction(1, 10)
    assert clips.sound_of(written)[0][0] == 0
    assert abs(clips.times_of(written)[0] - lead) <= Fraction(1, 2000)


@pytest.mark.parametrize("degrees", [90, 180])
def test_frames_are_upright_with_no_turn_left(tmp_path: Path, degrees: int) -> None:
    path = clips.write_clip(tmp_path / "in.mp4", 3, display={"degrees": degrees})
    source = VideoSource(path)
    written = VideoSource(write(source, tmp_path / "out.mp4"))
    assert written.video.turn.quarters == 0
    assert written.size == source.size
    pair = [next(each.frames()).image.astype(int) for each in (source, written)]
    assert np.abs(pair[0] - pair[1]).mean() < 5


@pytest.mark.parametrize(
    "tags",
    [
        {"colorspace": 1, "color_range": 1, "color_primaries": 1, "color_trc": 1},
        {"colorspace": 9, "color_range": 2, "color_primaries": 9, "color_trc": 16},
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_colours_are_tagged_and_made_as_the_sources(
    tmp_path: Path, tags: dict[str, int], suffix: str
) -> None:
    source = VideoSource(clips.write_clip(tmp_path / "in.mp4", 2, tags=tags))
    written = VideoSource(write(source, tmp_path / f"out{suffix}"))
    assert written.video.colour == source.video.colour
    assert source.video.colour == Colour(
        tags["colorspace"], tags["color_range"] == 2, tags["color_primaries"], tags["color_trc"]
    )
    for before, after in zip(source.frames(), written.frames(), strict=True):
        difference = after.image.astype(int) - before.image
        assert np.abs(difference.mean(axis=(0, 1))).max() < 1.5


def test_an_odd_size_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "in").mkdir()
    for number in range(3):
        image = clips.picture(number, (45, 63))
        Image.fromarray(image[..., ::-1]).save(tmp_path / "in" / f"{number}.png")
    source = open_source(tmp_path / "in")
    written = open_source(write(source, tmp_path / "out.mp4"))
    assert written.size == (45, 63)
    assert "63x45 pixels are odd" in caplog.text
    assert "yuv444p" in caplog.text
    caplog.clear()
    assert open_source(write(source, tmp_path / "out.webm")).size == (45, 63)
    assert not caplog.text  # VP9 holds odd sizes as they are


def test_pictures_become_a_video_of_the_rate_asked_for(tmp_path: Path) -> None:
    options = Options(fps=12.5, preset="ultrafast", crf=5)
    path = write(open_source(pictures(tmp_path / "in", 6)), tmp_path / "out.mp4", options)
    assert clips.times_of(path) == [Fraction(2 * at, 25) for at in (0, 1, 3, 4, 5)]
    assert VideoSource(path).video.colour.matrix == 1
    frames = list(open_source(path).frames())
    assert [clips.number_of(frame.image) for frame in frames] == [0, 1, 3, 4, 5]
    assert np.abs(frames[0].image.astype(int) - clips.picture(0)).mean() < 6


@pytest.mark.skipif(sys.platform == "win32", reason="no colons or such long paths there")
@pytest.mark.parametrize("name", ["12:30:00.mp4", "co:lon.mkv", "file:x.mov", f"{'n' * 245}.mp4"])
def test_any_name_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    clips.write_clip(tmp_path / "in.mp4", 3, sound="aac")
    (tmp_path / "in.mp4").rename(name)
    (tmp_path / "out").mkdir()
    path = write(open_source(name), Path("out") / name)
    monkeypatch.chdir(tmp_path / "out")
    assert len(list(open_source(name).frames())) == 3
    assert read_mark(name) == SOURCE_TYPE
    assert path.name in [file.name for file in Path().iterdir()]
    write(open_source(name), Path(f"_{name[1:]}"))


def test_sound_that_does_not_fit_is_encoded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 25, sound="aac"))
    path = write(source, tmp_path / "out.webm")
    assert "aac" in caplog.text
    assert "libopus" in caplog.text
    with av.open(str(path)) as container:
        heard = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
    tone = heard[0, 4800:38400]
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
    assert abs(spectrum.argmax() * 48_000 / len(tone) - 440) < 5
    assert 0.2 < tone.max() < 0.4
    assert abs(heard.shape[1] / 48_000 - 1) < 0.05


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 3))
    (tmp_path / "file").write_text("")

    def refusal(path: Path, options: Options = FAST) -> str:
        with pytest.raises(FaceswapError) as raised:
            write(source, path, options)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    assert "end its name in .mp4" in refusal(tmp_path / "out.avi")
    assert "WebM can't hold" in refusal(tmp_path / "out.webm", Options(codec="libx264"))
    assert "source itself" in refusal(tmp_path / "in.mp4")
    assert "can't write" in refusal(tmp_path / "file" / "out.mp4")
    assert "libsvtav1 takes yuv420p" in refusal(
        tmp_path / "out.mkv", Options(codec="libsvtav1", pixel_format="yuv444p")
    )
    with (
        Writer(tmp_path / "none.mp4", source) as writer,
        pytest.raises(FaceswapError, match="no fr"),
    ):
        writer.finish()
    assert not list(tmp_path.glob("none*"))


def test_a_codec_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 3))
    absent = "of_another_build"
    monkeypatch.setattr("lib.config.options.validate", lambda _: None)
    with pytest.raises(FaceswapError, match=rf"'{absent}'.*no such encoder, only libx264"):
        Writer(tmp_path / "out.mp4", source, Options(codec=absent))
    Image.new("RGB", (6, 6)).save(tmp_path / "small.png")
    with pytest.raises(FaceswapError, match="libx265 can't encode 6x6 pixels"):
        write(open_source(tmp_path / "small.png"), tmp_path / "out.mp4", Options(codec="libx265"))


def test_the_file_is_signed_before_it_gets_its_name(tmp_path: Path) -> None:
    source = open_source(clips.write_clip(tmp_path / "in.mp4", 3))
    seen: list[tuple[str, str | None, bool]] = []

    class Signer:
        def sign(self, path: Path, title: str) -> None:
            seen.append((title, read_mark(path), (tmp_path / title).exists()))

    signer: Any = Signer()
    with Writer(tmp_path / "out.mp4", source, FAST, credentials=signer) as writer:
        for frame in source.frames():
            writer.write(frame)
        writer.finish()
    assert seen == [("out.mp4", SOURCE_TYPE, False)]
    with pytest.raises(FaceswapError, match=r"out\.mkv' can't be signed"):
        Writer(tmp_path / "out.mkv", source, FAST, credentials=signer)


def test_pictures_of_other_sizes_are_named(tmp_path: Path) -> None:
    for name, size in (("1", (32, 32)), ("2", (34, 32))):
        Image.new("RGB", size).save(tmp_path / f"{name}.png")
    with pytest.raises(FaceswapError, match=r"'2\.png' is of 34x32 .* of 32x32"):
        write(open_source(tmp_path), tmp_path / "out.mp4")


def test_real_clips_keep_frames_times_and_sound(tmp_path: Path, grid: Path) -> None:
    source = VideoSource(grid.parent / "bbaf2n.mpg")
    path = write(source, tmp_path / "out.mp4")
    assert clips.times_of(path) == clips.times_of(source.path)
    before, after = clips.sound_of(source.path), clips.sound_of(path)
    assert [data for _, data in after] == [data for _, data in before]
    means = [[f.image.mean(axis=(0, 1)) for f in s.frames()] for s in (source, open_source(path))]
    assert np.abs(np.mean(means[0], axis=0) - np.mean(means[1], axis=0)).max() < 0.3
