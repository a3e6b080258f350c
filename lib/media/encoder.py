"""Encodes pictures into a piece of a video that can be put together with others by copying.

Each piece begins with a whole picture and holds no pictures that lean on later ones, so that the
pieces follow each other without a seam. They are NUT files, whose time stamps are exact.
"""

import os
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import cast

import av
import numpy as np
from av.codec.context import Flags, ThreadType
from av.video.stream import VideoStream
from numpy.typing import NDArray

from lib.errors import FaceswapError
from lib.media.colour import Colour, FromBGR

CODECS = ("libx264", "libx265", "libvpx-vp9", "libsvtav1")
"""Encoders, as FFmpeg calls them: of H.264, H.265, VP9 and AV1."""

PRESETS = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
)
"""From the fastest to the one that makes the smallest files."""

PIXEL_FORMATS = ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le")
"""As FFmpeg calls them: how much colour is kept, and whether in 8 or 10 bits."""

_EVEN_ONLY = ("libx264", "libx265")


@dataclass(frozen=True)
class Encoding:
    """How a video is encoded.

    Attributes
    ----------
    codec, preset, pixel_format
        One of `CODECS`, `PRESETS` and `PIXEL_FORMATS`.
    crf
        Constant quality: lower is better and larger; 0..51 of libx264 and libx265, else 0..63.
    size
        Height and width.
    rate
        Frames per second, on average.
    time_base
        Seconds that time stamps are multiples of.
    pixel_aspect
        Width of a pixel by its height.
    colour
        What the numbers of the pixels are to stand for.
    """

    codec: str
    crf: int
    preset: str
    pixel_format: str
    size: tuple[int, int]
    rate: Fraction
    time_base: Fraction
    pixel_aspect: Fraction
    colour: Colour


def fitting_format(codec: str, pixel_format: str, size: tuple[int, int]) -> str:
    """Pixel format that keeps every pixel of a size.

    H.264 and H.265 hold odd sizes only where no rows or columns share a colour; for those it is the
    format with all the colour, 4:4:4.
    """
    odd_height, odd_width = size[0] % 2, size[1] % 2
    shares_rows, shares_columns = "420" in pixel_format, "444" not in pixel_format
    if codec in _EVEN_ONLY and ((odd_height and shares_rows) or (odd_width and shares_columns)):
        return pixel_format.replace("420", "444").replace("422", "444")
    return pixel_format


def check_codec(codec: str, pixel_format: str) -> None:
    """Refuse a codec that is not there or does not take a pixel format.

    Raises
    ------
    FaceswapError
        Naming what can be had.
    """
    try:
        formats = [known.name for known in av.Codec(codec, "w").video_formats or ()]
    except av.codec.codec.UnknownCodecError:
        there = ", ".join(known for known in CODECS if known in av.codecs_available)
        raise FaceswapError(
            f"codec = '{codec}': this installation of PyAV has no such encoder, only {there}"
        ) from None
    if pixel_format not in formats:
        fitting = [known for known in PIXEL_FORMATS if known in formats]
        raise FaceswapError(
            f"pixel_format = '{pixel_format}': {codec} takes {', '.join(fitting)} only"
        )


class Encoder:
    """Encodes one piece.

    Parameters
    ----------
    encoding
        How.

    Raises
    ------
    FaceswapError
        The encoder refuses that.
    """

    def __init__(self, encoding: Encoding) -> None:
        os.environ.setdefault("SVT_LOG", "1")  # it writes past FFmpeg's own log
        self._convert = FromBGR(encoding.colour, encoding.pixel_format)
        self._time_base = encoding.time_base
        self._file = BytesIO()
        self._container = av.open(self._file, "w", format="nut")
        self._stream = cast(
            VideoStream,
            self._container.add_stream(
                encoding.codec, rate=encoding.rate, options=_options(encoding)
            ),
        )
        self._set_up(encoding)

    def write(self, image: NDArray[np.uint8], time: int) -> None:
        """Encode a picture.

        Parameters
        ----------
        image
            ``(height, width, 3)``, BGR, of the size that was named.
        time
            Its time stamp, in time bases; later than the one before.
        """
        frame = self._convert(image)
        frame.pts, frame.time_base = time, self._time_base
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> bytes:
        """End the piece and give its file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._file.getvalue()

    def close(self) -> None:
        """Give up the piece."""
        self._container.close()

    def _set_up(self, encoding: Encoding) -> None:
        stream, context = self._stream, self._stream.codec_context
        stream.height, stream.width = encoding.size
        stream.pix_fmt = encoding.pixel_format
        context.time_base = encoding.time_base
        context.thread_type = ThreadType.AUTO
        context.sample_aspect_ratio = encoding.pixel_aspect
        # What all pieces have in common stands in the file's head, where copying needs it.
        context.flags |= Flags.global_header
        encoding.colour.tag(context)
        try:
            context.open()
        except av.FFmpegError as error:
            raise FaceswapError(
                f"{encoding.codec} can't encode {encoding.size[1]}x{encoding.size[0]} pixels as "
                f"{encoding.pixel_format} with crf = {encoding.crf}: {error.strerror}; "
                "try another codec"
            ) from error


def _options(encoding: Encoding) -> dict[str, str]:
    """The encoder's own options, by which it leans on no later picture, and says nothing."""
    speed = 1 - PRESETS.index(encoding.preset) / (len(PRESETS) - 1)
    crf = {"crf": str(encoding.crf)}
    match encoding.codec:
        case "libx264":
            return {**crf, "preset": encoding.preset, "bf": "0"}
        case "libx265":
            quiet = "log-level=error"
            return {**crf, "preset": encoding.preset, "bf": "0", "x265-params": quiet}
        case "libvpx-vp9":
            return {**crf, "b": "0", "row-mt": "1", "cpu-used": str(round(5 * speed))}
        case _:
            return {**crf, "preset": str(2 + round(10 * speed))}
