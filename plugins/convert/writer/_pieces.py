"""The pieces that a video is written in, in a folder beside it."""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from lib.files import replacing, sync
from plugins.convert.writer import _unfinished

_NAME = re.compile(r"([0-9]{8,})-([0-9]{8,})\.nut")


class Pieces:
    """Pieces in the order of their frames, each whole.

    A piece's name says which frames it holds: ``00000250-00000500.nut`` those from 250 to 499.

    Parameters
    ----------
    folder
        Where they lie.
    made_of
        What they are made of, as `description` says.
    resume
        Keep those that are there, if they are made of the same.

    Attributes
    ----------
    files
        The pieces.
    after
        Number of the frame that follows the last piece.

    Raises
    ------
    FaceswapError
        The folder can't be written to.
    """

    def __init__(self, folder: Path, made_of: Mapping[str, object], *, resume: bool) -> None:
        self.folder = folder
        self.files: list[Path] = []
        self.after = 0
        _unfinished.sweep(folder)
        if resume and _unfinished.is_same(folder, made_of):
            self._take_up()
        self._remove_but(self.files)
        _unfinished.begin(folder, made_of)

    def add(self, after: int, data: bytes) -> None:
        """Add a piece.

        Parameters
        ----------
        after
            Number of the frame that follows its last one.
        data
            Its file.

        Raises
        ------
        FaceswapError
            It can't be written.
        """
        path = self.folder / f"{self.after:08d}-{after:08d}.nut"
        with replacing(path) as temporary:
            temporary.write_bytes(data)
            sync(temporary)
        self.files.append(path)
        self.after = after

    def remove(self) -> None:
        """Remove the pieces, and the folder unless something else is in it."""
        self._remove_but([])
        _unfinished.end(self.folder)
        with suppress(OSError):
            self.folder.rmdir()

    def _take_up(self) -> None:
        """Find the pieces that follow each other from the first frame on."""
        found = {
            int(match[1]): (int(match[2]), path)
            for path in self.folder.iterdir()
            if (match := _NAME.fullmatch(path.name))
        }
        while self.after in found:
            self.after, path = found.pop(self.after)
            self.files.append(path)

    def _remove_but(self, kept: list[Path]) -> None:
        for path in self.folder.glob("*.nut"):
            if _NAME.fullmatch(path.name) and path not in kept:
                with suppress(OSError):
                    path.unlink()
