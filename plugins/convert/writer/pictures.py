"""Writes each frame as a picture.

While the folder is not whole, a file ``unfinished.json`` in it says so.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.config.options import Options as OptionsBase
from lib.config.options import option
from lib.errors import FaceswapError
from lib.files import replacing
from lib.media.frame import Frame
from lib.media.mark import encode_picture
from lib.media.source import Source
from plugins.convert.writer import _unfinished
from plugins.convert.writer._base import WriterBase


@dataclass(frozen=True, kw_only=True)
class Options(OptionsBase):
    """Options of pictures."""

    format: str = option(
        "png",
        "png keeps every pixel as it is; jpg is a tenth of the size and close to it.",
        choices=("png", "jpg"),
    )
    quality: int = option(
        95,
        "Quality of jpg. Higher is better and larger; below 90 it begins to show.",
        minimum=1,
        maximum=100,
    )


class Writer(WriterBase):
    """Picture writer.

    A picture keeps its name but for the suffix; where two names of the source differ in nothing
    else, the new suffix comes after the old one.

    Parameters
    ----------
    path
        Folder to write into; it is made where it is missing.
    source
        Where the frames come from.
    options
        Format and quality; None for the defaults.
    **rest
        Passed on to `WriterBase`.
    """

    def __init__(
        self, path: str | Path, source: Source, options: Options | None = None, **rest: Any
    ) -> None:
        self._options = options or Options()
        super().__init__(path, source, self._options, **rest)
        if self.path.is_file():
            raise FaceswapError(f"'{self.path}' is a file: name a folder for the pictures")
        self._twice = _names_with_twins(source)
        _unfinished.sweep(self.path)
        self._next = 0
        if self._is_resuming and _unfinished.is_same(self.path, self._made_of):
            self._next = self._find_next()
        else:
            _unfinished.begin(self.path, self._made_of)

    @property
    def done(self) -> int:
        """Number of the frame to go on at: the one after the last that is there."""
        return self._next

    def write(self, frame: Frame) -> None:
        """Write a frame's picture, with the mark of synthetic media."""
        try:
            file = self._file(frame.name)
            with replacing(file) as temporary:
                temporary.write_bytes(
                    encode_picture(frame.image, file.suffix, self._options.quality)
                )
                self._sign(temporary, file.name)
        except FaceswapError as error:
            raise FaceswapError(
                f"{error}; {self.done} frames are kept in '{self.path}', and --resume goes on "
                "after them"
            ) from error
        self._next = frame.index + 1

    def finish(self) -> None:
        """Say no longer that the folder is unfinished."""
        if not self._next:
            raise FaceswapError(f"no frames were written to '{self.path}': the source has none")
        _unfinished.end(self.path)

    def _check_apart(self) -> None:
        if self.path.resolve() == self.source.files[0].resolve().parent:
            raise FaceswapError(f"'{self.path}' holds the source itself: name another folder")

    def _file(self, name: str) -> Path:
        stem = name if name in self._twice else Path(name).stem
        return self.path / f"{stem}.{self._options.format}"

    def _find_next(self) -> int:
        """Number after that of the last picture that the unfinished run has written.

        They are written in order, so those before it are done. Older ones are another run's.
        """
        begun = (self.path / _unfinished.NAME).stat().st_mtime_ns
        there = {path.name for path in self.path.iterdir() if path.stat().st_mtime_ns >= begun}
        names = (self._file(self.source.name(at)).name for at in range(self.source.count or 0))
        return max((at + 1 for at, name in enumerate(names) if name in there), default=0)


def _names_with_twins(source: Source) -> set[str]:
    """Names of pictures that differ from another's in the suffix only."""
    names = [] if source.is_video else [source.name(index) for index in range(source.count or 0)]
    stems = Counter(Path(name).stem for name in names)
    return {name for name in names if stems[Path(name).stem] > 1}
