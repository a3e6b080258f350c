"""Writes a small animation, to be looked at on the web. It can't be gone on with."""

from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from lib.config.options import Options as OptionsBase
from lib.config.options import option
from lib.errors import FaceswapError
from lib.files import replacing
from lib.hold import Hold
from lib.media.embed import insert_in_gif
from lib.media.frame import Frame
from lib.media.mark import xmp_packet
from lib.media.palette import paletted
from lib.media.source import Source
from plugins.convert.writer._base import WriterBase

MOST_PIXELS = 1 << 28
"""Of all pictures together; saving them takes 2 to 3 bytes of memory for each."""


@dataclass(frozen=True, kw_only=True)
class Options(OptionsBase):
    """Options of animations."""

    fps: float = option(
        10.0,
        "Frames per second at most; others are left out. Of pictures it is the rate at which they "
        "are shown. More make a larger file.",
        minimum=0.1,
        maximum=50,
    )
    size: int = option(
        480,
        "Longer edge in pixels at most; larger frames are made smaller.",
        minimum=16,
        maximum=4096,
    )


class Writer(WriterBase):
    """Animation writer.

    Parameters
    ----------
    path
        File to write, ending in .gif.
    source
        Where the frames come from.
    options
        Rate and size; None for the defaults.
    **rest
        Passed on to `WriterBase`; an animation always begins anew.
    """

    def __init__(
        self, path: str | Path, source: Source, options: Options | None = None, **rest: Any
    ) -> None:
        self._options = options or Options()
        super().__init__(path, source, self._options, **rest)
        if self.path.suffix.lower() != ".gif":
            raise FaceswapError(f"'{self.path}': the name of an animation ends in .gif")
        self._period = 1 / Fraction(self._options.fps).limit_denominator(1001)
        self._pictures: list[Image.Image] = []
        self._times: list[Fraction] = []
        self._check_room(self._expected())
        self._hold = Hold(self.path.with_name(f"{self.path.name}.parts"), self.path)

    @property
    def done(self) -> int:
        """Always 0: an animation is written at the end, as a whole."""
        return 0

    def write(self, frame: Frame, faces: int = 0) -> None:
        """Take a frame, unless it comes too soon after the one before."""
        self.faces += faces
        time = frame.index * self._period if frame.time is None else frame.time
        if self._times and self._slot(time) == self._slot(self._times[-1]):
            return
        self._check_room(len(self._pictures) + 1)
        self._times.append(time)
        self._pictures.append(self._small(frame))

    def finish(self) -> None:
        """Write the file, with the mark of synthetic media."""
        if not self._pictures:
            raise FaceswapError(f"no frames were written to '{self.path}': the source has none")
        with replacing(self.path) as temporary:
            temporary.write_bytes(insert_in_gif(self._encoded(), xmp_packet()))
            self._sign(temporary, self.path.name)

    def close(self) -> None:
        """Let others write."""
        self._hold.release()

    def _expected(self) -> int:
        """How many pictures there will be, as far as that can be told."""
        frames, video = self.source.count or 0, self.source.video
        return frames if video is None else min(frames, int(frames / video.rate / self._period))

    def _check_room(self, pictures: int) -> None:
        """Refuse before the pictures fill the memory."""
        height, width = self.source.size
        scale = min(1.0, self._options.size / max(height, width))
        most = max(1, int(MOST_PIXELS / (height * width * scale**2)))
        if pictures > most:
            raise FaceswapError(
                f"'{self.path}' would hold more than {most} pictures of {round(width * scale)}x"
                f"{round(height * scale)} pixels, which the memory may not: lower fps or size in "
                "[writer.gif], or write a video"
            )

    def _slot(self, time: Fraction) -> int:
        return (time - self._times[0]) // self._period

    def _small(self, frame: Frame) -> Image.Image:
        """A frame in the size and the 256 colours of the animation."""
        image = frame.image
        scale = self._options.size / max(image.shape[:2])
        if scale < 1:
            height, width = (max(1, round(edge * scale)) for edge in image.shape[:2])
            small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
            image = np.asarray(small, np.uint8)
        return paletted(image)

    def _encoded(self) -> bytes:
        file = BytesIO()
        self._pictures[0].save(
            file,
            "GIF",
            save_all=True,
            append_images=self._pictures[1:],
            duration=self._durations(),
            loop=0,
        )
        return file.getvalue()

    def _durations(self) -> list[int]:
        """Milliseconds that each picture is shown; a GIF counts in hundredths of a second."""
        ends = [*self._times[1:], self._times[-1] + self._period]
        stamps = [round((time - self._times[0]) * 100) for time in (self._times[0], *ends)]
        return [10 * (b - a) for a, b in pairwise(stamps)]
