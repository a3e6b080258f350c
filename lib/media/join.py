"""Puts a video together from its pieces and the source's sound, without encoding pictures again."""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from lib.errors import FaceswapError
from lib.media.container import address, open_video
from lib.media.encoder import Encoding
from lib.media.mark import mark_video, video_tags
from lib.media.sound import Track, sound_packets
from lib.media.source import Source

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""What FFmpeg calls the format of a file with this suffix."""


def check_container(path: Path, codec: str) -> None:
    """Refuse a file whose format is unknown or can't hold what an encoder makes.

    Raises
    ------
    FaceswapError
        Naming what can be had.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise FaceswapError(
            f"videos can't be written as '{path.name}': end its name in {', '.join(FORMATS)}"
        )
    if suffix == ".webm" and codec in ("libx264", "libx265"):
        raise FaceswapError(
            f"'{path.name}': WebM can't hold what {codec} makes; set codec to libvpx-vp9 or "
            "libsvtav1, or end the name in .mp4 or .mkv"
        )


def join(pieces: Sequence[Path], path: Path, source: Source, kind: str, encoding: Encoding) -> None:
    """Put a video together, with the source's sound and the mark of synthetic media.

    Time stamps are those of the pieces, exact in MP4 and MOV and to the millisecond in Matroska and
    WebM.

    Parameters
    ----------
    pieces
        Files that `Encoder` made, in order; one at least.
    path
        File to write.
    source
        What the frames were made of; a video's sound comes along.
    kind
        The format, one of `FORMATS`.
    encoding
        How the pieces were encoded.

    Raises
    ------
    OSError, av.FFmpegError
        The file can't be written.
    FaceswapError
        A piece or the source can't be read any more.
    """
    with ExitStack() as stack:
        first = stack.enter_context(open_video(pieces[0])).streams.video[0]
        container = stack.enter_context(
            av.open(address(path), "w", format=kind, options=_options(kind, first))
        )
        container.metadata.update(video_tags())
        picture = _picture_track(container, first, encoding)
        tracks = [_pictures(pieces, picture)]
        if source.video is not None and source.video.sounds:
            tracks.append(_sound(stack, container, source))
        for packet in heapq.merge(*tracks, key=_time):
            container.mux_one(packet)
    mark_video(path)


def count_pictures(piece: Path) -> int:
    """How many pictures a piece holds; 0 where it can't be read."""
    try:
        with open_video(piece) as container:
            return sum(packet.size > 0 for packet in container.demux(video=0))
    except (FaceswapError, av.FFmpegError):
        return 0


def _options(kind: str, first: VideoStream) -> dict[str, str]:
    if kind not in ("mp4", "mov"):
        return {"avoid_negative_ts": "disabled"}  # or sound's head start moves the pictures
    assert first.time_base is not None
    # The clock of the whole must be as fine as the pictures', or a late beginning is rounded; the
    # table of contents goes to the front, where players on the web want it.
    return {"movie_timescale": str(first.time_base.denominator), "movflags": "+faststart"}


def _picture_track(
    container: OutputContainer, first: VideoStream, encoding: Encoding
) -> VideoStream:
    # As it is: with its decoder's name alone there may be no encoder, which copying doesn't need.
    track = container.add_stream_from_template(first, opaque=True)
    track.rate = encoding.rate
    encoding.colour.tag(track.codec_context)  # VP9's own stream holds a part of it only
    if first.codec_context.name == "hevc" and container.format.name in ("mp4", "mov"):
        track.codec_context.codec_tag = "hvc1"  # Apple's players take no other
    return track


def _pictures(pieces: Sequence[Path], track: VideoStream) -> "Iterator[Packet[Stream]]":
    for piece in pieces:
        with open_video(piece) as container:
            for packet in container.demux(video=0):
                if packet.size:
                    packet.stream = track
                    yield cast("Packet[Stream]", packet)


def _sound(
    stack: ExitStack, container: OutputContainer, source: Source
) -> "Iterator[Packet[Stream]]":
    assert source.video is not None
    sound = stack.enter_context(open_video(source.path))
    tracks = {
        stream.index: Track(stream, container, source.video.start) for stream in sound.streams.audio
    }
    return cast("Iterator[Packet[Stream]]", sound_packets(sound, tracks))


def _time(packet: "Packet[Stream]") -> Fraction:
    return (packet.dts or 0) * packet.time_base
