"""Videos, frame by frame: upright, in right colours, each at its own time."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.container import InputContainer
from av.format import Flags
from av.sidedata.sidedata import SideDataContainer, Type
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from lib.errors import FaceswapError
from lib.media.colour import Colour, ToBGR
from lib.media.container import Damage, decoded, open_video, video_track
from lib.media.frame import Frame

_FASTEST = 1000
"""Frames per second that are believed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Turn:
    """How stored pictures are turned to stand upright: mirrored first, then turned.

    Attributes
    ----------
    quarters
        Quarter turns against the clock, 0..3.
    is_mirrored
        Whether left and right change places before that.
    """

    quarters: int = 0
    is_mirrored: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> "Turn":
        """Read the display matrix of a frame, as FFmpeg's ``libavutil/display.h`` describes it.

        Its numbers a, b, c, d take stored x and y to shown a x + c y and b x + d y.
        """
        stored = cast(SideDataContainer, frame.side_data)
        if Type.DISPLAYMATRIX not in stored:
            return cls()
        matrix = np.frombuffer(bytes(stored[Type.DISPLAYMATRIX]), np.int32, 9) / 65536
        (a, b), (c, d) = matrix[[0, 1]], matrix[[3, 4]]
        is_mirrored = bool(a * d - b * c < 0)
        angle = math.atan2(-b, -a) if is_mirrored else math.atan2(b, a)
        return cls(-round(angle / (math.pi / 2)) % 4, is_mirrored)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn a picture, ``(height, width, 3)``."""
        if self.is_mirrored:
            image = image[:, ::-1]
        return np.ascontiguousarray(np.rot90(image, self.quarters))


@dataclass(frozen=True)
class VideoInfo:
    """What whoever writes a video like this one has to know of it.

    Attributes
    ----------
    rate
        Frames per second, on average.
    time_base
        Seconds that the video's time stamps are multiples of.
    start
        The file's own time, in seconds, that frames' times and the sound's count from. 0 but for
        broadcast formats, whose clocks begin anywhere, and pictures that begin before 0.
    turn
        How the stored pictures were turned; frames are upright already.
    pixel_aspect
        Width of a pixel of an upright frame by its height.
    colour
        What the numbers of the stored pixels stand for.
    sounds
        How many sound tracks there are.
    """

    rate: Fraction
    time_base: Fraction
    start: Fraction
    turn: Turn
    pixel_aspect: Fraction
    colour: Colour
    sounds: int


class VideoSource:
    """A video.

    Parameters
    ----------
    path
        The file; its first video track counts, or the one that its maker prefers.

    Attributes
    ----------
    count
        Exact where the file holds it, as MP4 does; else length times rate; None where the file does
        not tell its length. Broken frames make it fewer.

    Raises
    ------
    FaceswapError
        The file can't be opened, has no video track, or no frame of it can be read.
    """

    is_video = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = [path]
        with open_video(path) as container:
            stream = video_track(container, path)
            first = next(decoded(container, stream, Damage()), None)
            if first is None:
                raise FaceswapError(f"no frame of '{path}' can be read: is it a whole video?")
            self.count = _count(container, stream)
            self._frames, self._end = stream.frames, _end(stream)
            self.video = _info(container, stream, first)
        _warn(path, first)
        self._stored = first.height, first.width
        self.size = self._stored[::-1] if self.video.turn.quarters % 2 else self._stored

    def name(self, index: int) -> str:
        """Name of a frame: ``clip_000001.png`` for the first one of ``clip.mp4``."""
        return f"{self.path.stem}_{index + 1:06d}.png"

    def frames(self, start: int = 0, every: int = 1) -> Iterator[Frame]:
        """Decode the video and give the frames of the numbers start, start + every and so on.

        Those before are decoded as well, but not converted: only so are the numbers sure. Their
        times rise always; one that does not is put a time base after the one before. Frames that
        can't be decoded have no number; a warning at the end counts them.
        """
        damage = Damage()
        read = ToBGR(self.video.colour, self._stored)
        with open_video(self.path) as container:
            stream = video_track(container, self.path)
            index, last = -1, None
            for index, stored in zip(count(), decoded(container, stream, damage), strict=False):
                last = self._time(stored, last)
                if index >= start and (index - start) % every == 0:
                    yield Frame(index, self.name(index), self.video.turn(read(stored)), last)
        damage.missing = self._missing(index + 1, last)
        if damage:
            _log.warning("%s: %s", self.path, damage)

    def _missing(self, read: int, last: Fraction | None) -> int:
        """How many frames the file says it has and does not; what was cut off by editing is none.

        Both number and time have to fall short: an edited file holds more frames than it shows, and
        the last frame of some is shown for long.
        """
        is_short = (last or 0) + self.video.start + 2 / self.video.rate < self._end
        return max(0, self._frames - read) if is_short else 0

    def _time(self, frame: VideoFrame, last: Fraction | None) -> Fraction:
        info = self.video
        if frame.pts is None or frame.time_base is None:
            return Fraction(0) if last is None else last + 1 / info.rate
        time = frame.pts * frame.time_base - info.start
        return max(time, Fraction(0) if last is None else last + info.time_base)


def _count(container: InputContainer, stream: VideoStream) -> int | None:
    if stream.frames:
        return stream.frames
    if stream.duration and stream.time_base:
        seconds = stream.duration * stream.time_base
    elif container.duration:
        seconds = Fraction(container.duration, av.time_base)
    else:
        return None
    return max(1, round(seconds * _rate(stream)))


def _end(stream: VideoStream) -> Fraction:
    """When a track ends by what its file says; 0 where it does not."""
    if stream.duration is None or stream.time_base is None:
        return Fraction(0)
    return _beginning(stream) + stream.duration * stream.time_base


def _rate(stream: VideoStream) -> Fraction:
    """Frames per second; a file that does not tell it may seem to have one with each tick."""
    rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    return next((rate for rate in rates if rate and rate <= _FASTEST), Fraction(25))


def _info(container: InputContainer, stream: VideoStream, first: VideoFrame) -> VideoInfo:
    turn = Turn.of(first)
    aspect = stream.sample_aspect_ratio or Fraction(1)
    return VideoInfo(
        rate=_rate(stream),
        time_base=stream.time_base or 1 / _rate(stream),
        start=_start(container, stream),
        turn=turn,
        pixel_aspect=1 / aspect if turn.quarters % 2 else aspect,
        colour=Colour.of(first),
        sounds=len(container.streams.audio),
    )


def _warn(path: Path, first: VideoFrame) -> None:
    """Warn of fields, which are not taken apart, and of bits beyond 8, which are not read."""
    if first.interlaced_frame:
        _log.warning(
            "'%s' is interlaced: if what moves shows combs, deinterlace it first, such as with "
            "ffmpeg's bwdif",
            path,
        )
    bits = max(component.bits for component in first.format.components)
    if bits > 8:
        _log.warning("'%s' has %d bits a channel, of which 8 are read", path, bits)


def _start(container: InputContainer, stream: VideoStream) -> Fraction:
    """When the earliest track begins, where the format's clock begins anywhere.

    Else 0, or when the pictures begin where that is before.
    """
    if container.format.flags & cast(int, Flags.ts_discont.value):
        return min(map(_beginning, [*container.streams.video, *container.streams.audio]))
    return min(_beginning(stream), Fraction(0))


def _beginning(stream: Stream) -> Fraction:
    if stream.start_time is None or stream.time_base is None:
        return Fraction(0)
    return stream.start_time * stream.time_base
