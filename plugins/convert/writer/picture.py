"""Writes a single picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.config.options import Options as OptionsBase
from lib.config.options import option
from lib.errors import FaceswapError
from lib.files import replacing
from lib.media.frame import Frame
from lib.media.mark import check_suffix, encode_picture
from lib.media.source import Source
from plugins.convert.writer._base import WriterBase


@dataclass(frozen=True, kw_only=True)
class Options(OptionsBase):
    """Options of a picture."""

    quality: int = option(
        95,
        "Quality of .jpg and .webp. Higher is better and larger; below 90 it begins to show.",
        minimum=1,
        maximum=100,
    )


class Writer(WriterBase):
    """Writer of one picture, at the end, as a whole.

    Parameters
    ----------
    path
        File to write, ending in .png, .jpg, .jpeg or .webp.
    source
        Where the picture comes from.
    options
        Quality; None for the default.
    **rest
        Passed on to `WriterBase`; a picture always begins anew.

    Raises
    ------
    FaceswapError
        The source holds more pictures than one.
    """

    def __init__(
        self, path: str | Path, source: Source, options: Options | None = None, **rest: Any
    ) -> None:
        self._options = options or Options()
        super().__init__(path, source, self._options, **rest)
        check_suffix(self.path.suffix)
        if source.is_video or source.count != 1:
            raise FaceswapError(
                f"'{self.path}' is the name of one picture, and '{source.path}' holds more: name a "
                "folder for them, or a video"
            )
        self._data = b""

    @property
    def done(self) -> int:
        """Always 0: there is nothing to go on with."""
        return 0

    def write(self, frame: Frame, faces: int = 0) -> None:
        """Take the picture."""
        self.faces += faces
        quality, profile = self._options.quality, frame.profile
        self._data = encode_picture(frame.image, self.path.suffix, quality, profile=profile)

    def finish(self) -> None:
        """Write the file, with the mark of synthetic media."""
        if not self._data:
            raise FaceswapError(f"no frames were written to '{self.path}': the source has none")
        with replacing(self.path) as temporary:
            temporary.write_bytes(self._data)
            self._sign(temporary, self.path.name)
