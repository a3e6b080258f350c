"""Tells which files of faces have changed since they were read.

Faces are read once, before training.  A folder on a share that goes away, or pictures that are
edited in the meantime, hurt no run, but whoever looks after it should know.
"""

import os
import stat
from collections.abc import Iterable

from lib.data.faceset import BadFace, FaceSet
from lib.data.files import FileNote


class Originals:
    """The files of faces, and what they were when they were read.

    Parameters
    ----------
    sets
        Faces that were loaded from files.
    """

    def __init__(self, sets: Iterable[FaceSet]) -> None:
        self._notes: dict[str, FileNote] = {}
        for faces in sets:
            self._notes.update(zip(faces.paths, faces.files, strict=True))

    def changes(self) -> list[BadFace]:
        """Look at all files, without reading any; thousands take a part of a second.

        A share that has gone may let it wait for ever.

        Returns
        -------
        list[BadFace]
            Those that have changed, are gone or can't be read any more. Each is told once.
        """
        looked = ((path, _change(path, note)) for path, note in self._notes.items())
        found = [BadFace(path, change) for path, change in looked if change]
        for face in found:
            del self._notes[face.path]
        return found


def _change(path: str, note: FileNote) -> str | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return "has been removed"
    except OSError as error:
        return f"can't be read any more: {error.strerror or error}"
    if not stat.S_ISREG(status.st_mode) or not os.access(path, os.R_OK):
        return "can't be read any more"
    if (status.st_size, status.st_mtime_ns) != (note.size, note.modified):
        return "has changed"
    return None
