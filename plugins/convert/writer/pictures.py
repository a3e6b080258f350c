"""Writes each frame as a picture.

While the folder is not whole, a file ``unfinished.json`` in it says so.
"""

import logging
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.config.options import Options as OptionsBase
from lib.config.options import option
from lib.errors import FaceswapError
from lib.files import remove_unfinished, replacing
from lib.hold import Hold
from lib.media.frame import Frame
from lib.media.mark import encode_picture
from lib.media.names import twins
from lib.media.source import Source
from plugins.convert.writer import _unfinished
from plugins.convert.writer._base import WriterBase

logger = logging.getLogger(__name__)


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
        self._twice = twins(source)
        self._next = self._written = 0
        self._hold = Hold(self.path, self.path)
        with ExitStack() as undone:
            undone.callback(self._hold.release)
            self._begin()
            undone.pop_all()

    @property
    def done(self) -> int:
        """Number of the frame to go on at: the one after the last that is there."""
        return self._next

    def write(self, frame: Frame, faces: int = 0) -> None:
        """Write a frame's picture, with the mark of synthetic media."""
        try:
            file = self._file(frame.name)
            with replacing(file) as temporary:
                quality, profile = self._options.quality, frame.profile
                temporary.write_bytes(
                    encode_picture(frame.image, file.suffix, quality, profile=profile)
                )
                self._sign(temporary, file.name)
            self._written += 1
            self._note(frame.index + 1, self.faces + faces)
        except FaceswapError as error:
            kept = len(self._there())
            if not kept:
                raise
            raise FaceswapError(
                f"{error}; {kept} frames are kept in '{self.path}', and --resume goes on after them"
            ) from error

    def finish(self) -> None:
        """Say no longer that the folder is unfinished."""
        if not self._next:
            raise FaceswapError(f"no frames were written to '{self.path}': the source has none")
        _unfinished.end(self.path)

    def discard(self) -> None:
        """Take the pictures away that were written."""
        for at in self._there():
            self._file(self.source.name(at)).unlink()
        self._next = 0

    def close(self) -> None:
        """Let others write; a folder in which nothing was written is as it was before."""
        if not self._next:
            with suppress(FaceswapError):
                _unfinished.end(self.path)
        self._hold.release()

    def _check_apart(self) -> None:
        if self.path.resolve() == self.source.files[0].resolve().parent:
            raise FaceswapError(f"'{self.path}' holds the source itself: name another folder")

    def _begin(self) -> None:
        """Go on with an unfinished run, or begin in an empty folder."""
        record = _unfinished.read(self.path)
        if record is None:
            self._check_empty()
        else:
            self._take_up(record)
        self._note(self._next, self.faces)

    def _take_up(self, record: _unfinished.Record) -> None:
        differs = _unfinished.differing(record.made_of, self._made_of)
        if not record.done and (differs or not self._is_resuming):
            return self._check_empty()
        if differs:
            raise FaceswapError(
                f"'{self.path}' was begun with another {differs}: go on with the same options, or "
                "name another output"
            )
        if not self._is_resuming:
            raise _unfinished.refusal(self.path, record.done, differs)
        remove_unfinished(self.path)
        self._check_ours(record)
        self._next = record.done
        there = self._there()
        self._next = max(there, default=-1) + 1
        if len(there) < record.written:
            self._next = next((at for at, found in enumerate(there) if at != found), self._next)
            logger.warning(
                "'%s' lacks pictures that were written: frames from %d on are made anew",
                self.path,
                self._next + 1,
            )
        self._written = sum(at < self._next for at in there)
        self.faces = record.faces if self._next else 0

    def _check_ours(self, record: _unfinished.Record) -> None:
        """Refuse pictures that were not written; that of the next frame may not be noted yet."""
        there = {path.name for path in self.path.iterdir()}
        later = range(record.done + 1, self.source.count or 0)
        names = (self._file(self.source.name(at)).name for at in later)
        if other := next((name for name in names if name in there), None):
            raise FaceswapError(
                f"'{self.path / other}' is none of the {record.written} pictures of the earlier "
                "run: move it away"
            )

    def _check_empty(self) -> None:
        ours = _unfinished.NAME
        if all(path.name.startswith(".") or path.name == ours for path in self.path.iterdir()):
            return
        if self._is_resuming:
            raise FaceswapError(
                f"'{self.path}' is no unfinished output of convert: name another folder"
            )
        raise FaceswapError(f"'{self.path}' holds files already: name another folder")

    def _note(self, done: int, faces: int) -> None:
        """Note how far the pictures are, after they are written, so that a kill costs one."""
        record = _unfinished.Record(self._made_of, done, faces, self._written)
        _unfinished.write(self.path, record)
        self._next, self.faces = done, faces

    def _file(self, name: str) -> Path:
        stem = name if name in self._twice else Path(name).stem
        return self.path / f"{stem}.{self._options.format}"

    def _there(self) -> list[int]:
        """Numbers of the frames that were written and are there still."""
        there = {path.name for path in self.path.iterdir()}
        names = (self._file(self.source.name(at)).name for at in range(self._next))
        return [at for at, name in enumerate(names) if name in there]
