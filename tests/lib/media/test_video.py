from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from lib.errors import FaceswapError
from lib.media.colour import Colour
from lib.media.source import open_source
from lib.media.video import VideoSource
from tests.fixtures import clips

UNEVEN = [Fraction(at, 90_000) for at in (9_000, 12_003, 20_000, 20_900, 90_001, 91_000)]


def test_frames_come_in_order_with_their_times(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", 12, sound="aac")
    source = open_source(path)
    assert (source.count, source.size, source.is_video) == (12, (48, 64), True)
    frames = list(source.frames())
    assert [clips.number_of(frame.image) for frame in frames] == list(range(12))
    assert [frame.index for frame in frames] == list(range(12))
    assert [frame.time for frame in frames] == [Fraction(at, 25) for at in range(12)]
    assert frames[0].name == source.name(0) == "clip_000001.png"
    assert source.video is not None
    assert (source.video.rate, source.video.sounds) == (25, 1)
    for number in (0, 7):
        difference = np.abs(frames[number].image.astype(int) - clips.picture(number))
        assert difference.mean() < 6


def test_a_start_and_a_step_pick_the_same_frames(tmp_path: Path) -> None:
    source = open_source(clips.write_clip(tmp_path / "clip.mkv", 12))
    picked = list(source.frames(start=2, every=4))
    assert [frame.index for frame in picked] == [2, 6, 10]
    assert [clips.number_of(frame.image) for frame in picked] == [2, 6, 10]
    assert [frame.time for frame in picked] == [Fraction(at, 25) for at in (2, 6, 10)]
    assert not list(source.frames(start=12))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_uneven_times_are_kept(tmp_path: Path, suffix: str) -> None:
    path = clips.write_clip(tmp_path / f"clip{suffix}", times=UNEVEN)
    found = [frame.time for frame in open_source(path).frames()]
    finest = Fraction(1, 2000) if suffix == ".mkv" else 0  # Matroska counts in milliseconds
    assert all(abs(a - b) <= finest for a, b in zip(found, UNEVEN, strict=True))
    assert found == clips.times_of(path)


def test_a_broadcast_clock_counts_from_the_earliest_track(tmp_path: Path) -> None:
    times = [Fraction(at + 255, 25) for at in range(8)]
    path = clips.write_clip(tmp_path / "a.ts", times=times, sound="mp2", sound_start=Fraction(10))
    with av.open(str(path)) as container:
        sound = container.streams.audio[0]
        assert sound.start_time is not None
        start = sound.start_time * sound.time_base
        assert abs(start - 10) < 0.1
    source = VideoSource(path)
    assert source.video.start == start
    found = [frame.time for frame in source.frames()]
    assert found == [time - start for time in clips.times_of(path)]
    assert 0 < found[0] < 1


@pytest.mark.parametrize("hflip", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_frames_stand_upright(tmp_path: Path, degrees: int, hflip: bool) -> None:
    display = {"degrees": degrees, "hflip": hflip}
    path = clips.write_clip(tmp_path / "clip.mp4", 2, display=display)
    source = VideoSource(path)
    shown = next(source.frames()).image
    assert shown.shape[:2] == source.size == ((48, 64) if degrees % 180 == 0 else (64, 48))
    matrix = stored_matrix(path)
    corners = np.array([(0, 0), (63, 0), (0, 47), (63, 47)])
    places = corners @ matrix  # x' = a x + c y, y' = b x + d y
    places -= places.min(axis=0)
    stored = clips.picture(0)
    for (x, y), (u, v) in zip(corners, places, strict=True):
        assert np.abs(shown[v, u].astype(int) - stored[y, x]).max() < 40


def stored_matrix(path: Path) -> np.ndarray:
    """Rows (a, b) and (c, d) of the display matrix, from the track header's bytes in the file."""
    data = path.read_bytes()
    header = data.index(b"tkhd")
    numbers = np.frombuffer(data, ">i4", 9, header + 4 + 40) // 65536
    return np.array([numbers[[0, 1]], numbers[[3, 4]]])


def test_colours_are_read_as_they_are_tagged(tmp_path: Path) -> None:
    tags = {"colorspace": 1, "color_range": 1, "color_primaries": 1, "color_trc": 1}
    source = VideoSource(clips.write_clip(tmp_path / "clip.mp4", 2, tags=tags))
    assert source.video.colour == Colour(matrix=1, is_full=False, primaries=1, transfer=1)
    # The encoder's numbers are BT.601's, PyAV's default: read as BT.709 pure green is off.
    green = next(source.frames()).image[4, -4].astype(int)
    assert 10 < np.abs(green - (0, 255, 0)).max() < 120
    plain = VideoSource(clips.write_clip(tmp_path / "plain.mp4", 2))
    assert plain.video.colour.matrix == 6
    assert np.abs(next(plain.frames()).image[4, -4].astype(int) - (0, 255, 0)).max() < 12


def test_broken_frames_are_passed_over_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = clips.write_clip(tmp_path / "clip.mkv", 20, options={"g": "1", "bf": "0"})
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0)]
    data = path.read_bytes()
    for number in (5, 11):
        data = data.replace(packets[number], bytes(len(packets[number])))
    path.write_bytes(data)
    frames = list(open_source(path).frames())
    assert 18 <= len(frames) <= 20
    assert clips.number_of(frames[-1].image) == 19
    assert len(caplog.messages) == 1
    assert "clip.mkv: 2 " in caplog.messages[0]


def test_a_file_that_breaks_off_gives_what_it_has(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "clip.mp4"
    front = {"movflags": "+faststart"}  # the table comes first, so it is still there
    clips.write_clip(path, 20, options={"g": "1", "bf": "0"}, container_options=front)
    assert len(list(open_source(path).frames())) == 20
    assert not caplog.messages
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    frames = list(open_source(path).frames())
    assert 1 < len(frames) < 20
    assert [clips.number_of(frame.image) for frame in frames] == list(range(len(frames)))
    assert "clip.mp4: " in caplog.text
    assert f"breaks off, {20 - len(frames)} frames less" in caplog.text


def test_without_time_stamps_frames_come_at_the_rate(tmp_path: Path) -> None:
    source = open_source(clips.write_clip(tmp_path / "clip.h264", 5, options={"bf": "0"}))
    frames = list(source.frames())
    assert [clips.number_of(frame.image) for frame in frames] == list(range(5))
    times = [frame.time for frame in frames]
    assert {b - a for a, b in pairwise(times)} == {Fraction(1, 25)}
    assert times[0] == 0


def test_what_is_lost_of_a_video_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    VideoSource(clips.write_clip(tmp_path / "plain.mp4", 2))
    assert not caplog.messages
    VideoSource(clips.write_clip(tmp_path / "deep.mp4", 2, pixel_format="yuv420p10le"))
    fields = {"x264-params": "tff=1"}
    VideoSource(clips.write_clip(tmp_path / "fields.mp4", 2, size=(64, 64), options=fields))
    deep, interlaced = caplog.messages
    assert "deep.mp4' has 10 bits a channel, of which 8 are read" in deep
    assert "fields.mp4' is interlaced" in interlaced


def test_what_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    whole = clips.write_clip(tmp_path / "whole.mp4", 12).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])  # its table is at the end
    at = whole.index(b"mdat") + 4
    (tmp_path / "black.mp4").write_bytes(
        whole[:at] + bytes(whole.index(b"moov") - at) + whole[whole.index(b"moov") :]
    )
    (tmp_path / "words.mp4").write_text("not a video")
    clips.write_clip(tmp_path / "both.mkv", 3, sound="aac")
    with (
        av.open(str(tmp_path / "both.mkv")) as both,
        av.open(str(tmp_path / "sound.mkv"), "w") as only,
    ):
        track = only.add_stream_from_template(both.streams.audio[0])
        for packet in both.demux(audio=0):
            if packet.size:
                packet.stream = track
                only.mux(packet)
    for name, words in (
        ("cut", "opened"),
        ("black", "no frame"),
        ("words", "opened"),
        ("sound", "no video track"),
    ):
        with pytest.raises(FaceswapError, match=words) as raised:
            open_source(next(tmp_path.glob(f"{name}.*")))
        assert f"{name}." in str(raised.value)
        assert "\n" not in str(raised.value)


def test_real_clips_are_read_whole(grid: Path) -> None:
    for clip in sorted(grid.parent.glob("*.mpg")):
        source = VideoSource(clip)
        assert (source.size, source.video.rate, source.video.sounds) == ((288, 360), 25, 1)
        times = [frame.time for frame in source.frames()]
        assert len(times) == 75
        assert abs((source.count or 0) - 75) <= 1
        assert {b - a for a, b in pairwise(times)} == {Fraction(1, 25)}
