"""Writes a video, with the source's sound, times and colours.

The frames go into pieces of some hundred, each a whole file, in a folder ``OUT.parts`` beside the
output; at the end the pieces are put together by copying. A run that ends early leaves its whole
pieces there, and the next one can go on after them.
"""

import logging
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from lib.config.options import Options as OptionsBase
from lib.config.options import option
from lib.errors import FaceswapError
from lib.files import replacing
from lib.media.colour import SRGB
from lib.media.credentials import check_signable
from lib.media.encoder import (
    CODECS,
    PIXEL_FORMATS,
    PRESETS,
    Encoder,
    Encoding,
    check_codec,
    fitting_format,
)
from lib.media.frame import Frame
from lib.media.join import FORMATS, check_container, join
from lib.media.source import Source
from plugins.convert.writer._base import WriterBase
from plugins.convert.writer._pieces import Pieces

PIECE = 250
"""Frames in a piece."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options(OptionsBase):
    """Options of videos."""

    codec: str | None = option(
        None,
        "The encoder. libx264 (H.264) plays everywhere; libx265 (H.265) and libvpx-vp9 (VP9) make "
        "smaller files more slowly, libsvtav1 (AV1) the smallest. 'none': libvpx-vp9 for .webm, "
        "libx264 for all others.",
        choices=CODECS,
    )
    crf: int = option(
        18,
        "Constant quality. Lower is better and larger: with libx264, 18 is hard to tell from the "
        "frames themselves and 23 is usual; with libvpx-vp9 and libsvtav1, 30 is usual.",
        minimum=0,
        maximum=63,
    )
    preset: str = option(
        "veryfast",
        "How much work is put into each frame, from ultrafast to veryslow; what it changes is the "
        "file's size for its quality. With libx264, medium takes twice the time of veryfast for "
        "0.8 dB at much the same size.",
        choices=PRESETS,
    )
    pixel_format: str = option(
        "yuv420p",
        "How colour is kept: yuv420p, a quarter of its pixels, plays everywhere; yuv422p keeps a "
        "half and yuv444p all. With 10le they are in 10 bits. Frames of odd width or height are "
        "written in 4:4:4 by libx264 and libx265, which can't hold them otherwise.",
        choices=PIXEL_FORMATS,
    )
    fps: float = option(
        25.0,
        "Frames per second of a video that is made of pictures. One made of a video keeps its "
        "times.",
        minimum=0.1,
        maximum=1000,
    )


class Writer(WriterBase):
    """Video writer.

    Parameters
    ----------
    path
        File to write, in the format of its suffix: .mp4, .m4v, .mov, .mkv or .webm.
    source
        Where the frames come from; a video's sound is copied, and encoded where the format can't
        hold it.
    options
        How to encode; None for the defaults.
    **rest
        Passed on to `WriterBase`.
    """

    def __init__(
        self, path: str | Path, source: Source, options: Options | None = None, **rest: Any
    ) -> None:
        options = options or Options()
        super().__init__(path, source, options, **rest)
        is_webm = self.path.suffix.lower() == ".webm"
        codec = options.codec or ("libvpx-vp9" if is_webm else "libx264")
        check_container(self.path, codec)
        if self._credentials is not None:
            check_signable(self.path)
        self._encoding = self._choose(codec, options)
        self._pieces = Pieces(self.path, self._made_of, resume=self._is_resuming)
        self.faces = self._pieces.faces
        self._piece: Encoder | None = None
        self._count = 0
        self._next = self.done

    @property
    def done(self) -> int:
        """Number of the frame to go on at: the one after the last whole piece."""
        return self._pieces.after

    def write(self, frame: Frame, faces: int = 0) -> None:
        """Encode a frame; every 250 of them a piece is written."""
        height, width = frame.image.shape[:2]
        if (height, width) != self._encoding.size:
            was = "{1}x{0}".format(*self._encoding.size)
            raise FaceswapError(
                f"'{frame.name}' is of {width}x{height} pixels and the video of {was}: bring the "
                "pictures to one size, or write pictures"
            )
        self._piece = self._piece or Encoder(self._encoding)
        self._piece.write(frame.image, self._stamp(frame))
        self._count, self._next = self._count + 1, frame.index + 1
        self.faces += faces
        if self._count == PIECE:
            self._end_piece()

    def finish(self) -> None:
        """Put the pieces and the sound together, and take the pieces away."""
        self._end_piece()
        if not self._pieces.files:
            self._pieces.remove()
            raise FaceswapError(f"no frames were written to '{self.path}': the source has none")
        try:
            with replacing(self.path) as temporary:
                kind = FORMATS[self.path.suffix.lower()]
                join(self._pieces.files, temporary, self.source, kind, self._encoding)
                self._sign(temporary, self.path.name)
        except av.FFmpegError as error:
            raise self._kept(f"can't write '{self.path}': {error.strerror}") from error
        except FaceswapError as error:
            raise self._kept(str(error)) from error
        self._pieces.remove()

    def discard(self) -> None:
        """Take the pieces away."""
        self._pieces.remove()

    def close(self) -> None:
        """Give up the piece that is not whole; the others stay to be gone on with."""
        if self._piece is not None:
            self._piece.close()
            self._piece = None
        self._pieces.close()

    def _end_piece(self) -> None:
        if self._piece is None:
            return
        data, count = self._piece.finish(), self._count
        self._piece, self._count = None, 0
        try:
            self._pieces.add(self._next, self.faces - self._pieces.faces, count, data)
        except FaceswapError as error:
            raise self._kept(str(error)) from error

    def _kept(self, problem: str) -> FaceswapError:
        if not self._pieces.kept:
            return FaceswapError(problem)
        return FaceswapError(
            f"{problem}; {self._pieces.kept} frames are kept in '{self._pieces.folder}', and "
            "--resume goes on after them"
        )

    def _stamp(self, frame: Frame) -> int:
        if frame.time is None:
            return frame.index
        return round(frame.time / self._encoding.time_base)

    def _choose(self, codec: str, options: Options) -> Encoding:
        """How to encode: where the source is a video, in its colours and on its clock."""
        size, video = self.source.size, self.source.video
        rate = video.rate if video else Fraction(options.fps).limit_denominator(1001)
        pixel_format = fitting_format(codec, options.pixel_format, size)
        if pixel_format != options.pixel_format:
            _log.warning(
                "%s: %dx%d pixels are odd, so colour is kept as %s instead of %s",
                *(self.path, size[1], size[0], pixel_format, options.pixel_format),
            )
        check_codec(codec, pixel_format)
        return Encoding(
            codec=codec,
            crf=options.crf,
            preset=options.preset,
            pixel_format=pixel_format,
            size=size,
            rate=rate,
            time_base=video.time_base if video else 1 / rate,
            pixel_aspect=video.pixel_aspect if video else Fraction(1),
            colour=video.colour if video else SRGB,
        )
