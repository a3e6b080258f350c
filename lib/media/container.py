"""Opens videos and decodes them past what is broken."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
from av.codec.context import ThreadType
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from lib.errors import FaceswapError


@dataclass
class Damage:
    """What went wrong while a video was decoded.

    Attributes
    ----------
    lost
        Packets that could not be decoded.
    spoilt
        Frames that were, and are damaged.
    missing
        Frames that the file says it has and does not.
    is_cut
        Whether reading ended before the end of the file.
    """

    lost: int = 0
    spoilt: int = 0
    missing: int = 0
    is_cut: bool = False

    def __bool__(self) -> bool:
        return bool(self.lost or self.spoilt or self.missing or self.is_cut)

    def __str__(self) -> str:
        words = []
        if self.lost:
            words.append(f"{self.lost} packets could not be decoded and are passed over")
        if self.spoilt:
            words.append(f"{self.spoilt} frames are damaged")
        if self.missing or self.is_cut:
            words.append("the file breaks off")
        if self.missing:
            words.append(f"{self.missing} frames less than it says can be read")
        return ", ".join(words)


def address(path: Path) -> str:
    """What FFmpeg takes for this file, whatever its name: up to a colon it may name a protocol."""
    return str(path.absolute())


@contextmanager
def open_video(path: Path) -> Iterator[InputContainer]:
    """Open a video or sound file.

    Raises
    ------
    FaceswapError
        It can't be opened.
    """
    try:
        container = av.open(address(path), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        reason = error.strerror or error
        raise FaceswapError(f"'{path}' can't be opened as a video: {reason}") from error
    with container:
        yield container


def video_track(container: InputContainer, path: Path) -> VideoStream:
    """The video track of a file, to be decoded in several threads.

    Raises
    ------
    FaceswapError
        There is none.
    """
    stream = container.streams.best("video")
    if stream is None:
        raise FaceswapError(f"'{path}' has no video track")
    stream = cast(VideoStream, stream)
    stream.thread_type = ThreadType.AUTO
    return stream


def decoded(container: InputContainer, stream: VideoStream, damage: Damage) -> Iterator[VideoFrame]:
    """Decode the frames of a track, going on past those that are broken.

    Parameters
    ----------
    container, stream
        The file and its track.
    damage
        Where to count what goes wrong.
    """
    for packet in _packets(container, stream, damage):
        try:
            frames = stream.decode(packet)
        except av.FFmpegError:
            damage.lost += 1
            continue
        for frame in frames:
            damage.spoilt += frame.is_corrupt
            yield frame


def _packets(
    container: InputContainer, stream: VideoStream, damage: Damage
) -> "Iterator[Packet[VideoStream] | None]":
    """Packets, and at the end an empty one that has the decoder give what it holds back."""
    try:
        yield from container.demux(stream)
    except av.FFmpegError:
        damage.is_cut = True
        yield None
