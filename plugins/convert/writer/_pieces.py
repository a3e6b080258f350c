"""The pieces that a video is written in, in a folder beside it."""

import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from lib.errors import FaceswapError
from lib.files import remove_unfinished, replacing, sync
from lib.hold import Hold
from lib.media.join import count_pictures
from plugins.convert.writer import _unfinished

logger = logging.getLogger(__name__)

_NAME = re.compile(r"([0-9]{8,})-([0-9]{8,})-([0-9]{6,})-([0-9]{3,})\.nut")


class Pieces:
    """Pieces in the order of their frames, each whole; held for this run until it is closed.

    A piece's name says which frames it holds, how many faces were swapped in them, and how many
    there are, since a source may lack some: ``00000250-00000500-000260-250.nut`` those from 250 to
    499, with 260 faces, all 250.

    Parameters
    ----------
    output
        File that they become; they lie in a folder beside it whose name ends in ``.parts``.
    made_of
        What they are made of, as `description` says.
    resume
        Go on with those that are there.

    Attributes
    ----------
    folder
        Where they lie.
    files
        The pieces.
    after
        Number of the frame that follows the last piece.
    faces
        Faces that were swapped in them.

    Raises
    ------
    FaceswapError
        Another run holds them, there are some that are not gone on with, or the folder can't be
        written to.
    """

    def __init__(self, output: Path, made_of: Mapping[str, object], *, resume: bool) -> None:
        self.folder = output.with_name(f"{output.name}.parts")
        self.files: list[Path] = []
        self.after = self.faces = 0
        self._hold = Hold(self.folder, output)
        with ExitStack() as undone:
            undone.callback(self._hold.release)
            self._check(made_of, resume=resume)
            remove_unfinished(self.folder)
            self._take_up()
            self._remove_but(self.files)
            _unfinished.write(self.folder, _unfinished.Record(made_of))
            undone.pop_all()

    @property
    def kept(self) -> int:
        """How many frames the pieces hold that are on the disk."""
        return _frames(path for path in self.files if path.exists())

    def add(self, after: int, faces: int, count: int, data: bytes) -> None:
        """Add a piece.

        Parameters
        ----------
        after
            Number of the frame that follows its last one.
        faces
            Faces that were swapped in it.
        count
            How many frames it holds.
        data
            Its file.

        Raises
        ------
        FaceswapError
            It can't be written.
        """
        path = self.folder / f"{self.after:08d}-{after:08d}-{faces:06d}-{count:03d}.nut"
        with replacing(path) as temporary:
            temporary.write_bytes(data)
            sync(temporary)
        self.files.append(path)
        self.after = after
        self.faces += faces

    def remove(self) -> None:
        """Remove the pieces, and the folder unless something else is in it."""
        self._remove_but([])
        self.close()

    def close(self) -> None:
        """Let go of the pieces; without any, remove the folder unless something else is in it."""
        if not self.kept:
            with suppress(FaceswapError):
                _unfinished.end(self.folder)
        self._hold.release()

    def _check(self, made_of: Mapping[str, object], *, resume: bool) -> None:
        """Refuse pieces of an earlier run that would be lost."""
        frames = _frames(self._there())
        if not frames:
            return
        record = _unfinished.read(self.folder)
        if record is None:
            raise FaceswapError(
                f"'{self.folder}' holds {frames} frames of an earlier run, and nothing says how "
                "they were made: remove it"
            )
        differs = _unfinished.differing(record.made_of, made_of)
        if differs or not resume:
            raise _unfinished.refusal(self.folder, frames, differs)

    def _take_up(self) -> None:
        """Find the whole pieces that follow each other from the first frame on."""
        found = {_numbers(path)[0]: path for path in self._there()}
        while self.after in found:
            path = found.pop(self.after)
            _, after, faces, count = _numbers(path)
            if count_pictures(path) != count:
                logger.warning(
                    "'%s' is damaged: frames from %d on are made anew", path, self.after + 1
                )
                return
            self.after = after
            self.faces += faces
            self.files.append(path)

    def _there(self) -> list[Path]:
        return [path for path in self.folder.glob("*.nut") if _NAME.fullmatch(path.name)]

    def _remove_but(self, kept: list[Path]) -> None:
        for path in self._there():
            if path not in kept:
                with suppress(OSError):
                    path.unlink()


def _numbers(path: Path) -> tuple[int, int, int, int]:
    """First frame of a piece, the one after its last, its faces, and how many frames it holds."""
    match = _NAME.fullmatch(path.name)
    assert match is not None
    return int(match[1]), int(match[2]), int(match[3]), int(match[4])


def _frames(pieces: Iterable[Path]) -> int:
    return sum(after - first for first, after, *_ in map(_numbers, pieces))
