"""Writes the alignments file, a frame at a time."""

import json
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np

from lib.errors import FaceswapError
from lib.extract.alignments import FORMAT, VERSION, FrameFaces, Looked, read_alignments
from lib.extract.face import Face


class AlignmentsWriter:
    """Adds frames to an alignments file, each as soon as its faces are safe.

    Parameters
    ----------
    path
        The file. Where it is there already, it is gone on with: a cut-off line at its end goes.
    looked
        What is looked at, and how.

    Raises
    ------
    FaceswapError
        The file can't be written, or was made of another source or with other settings.
    """

    def __init__(self, path: str | Path, looked: Looked) -> None:
        self._path = Path(path)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size:
                self._go_on(looked)
                self._file = self._path.open("ab")
            else:
                self._file = self._path.open("wb")
                head = {"format": FORMAT, "version": VERSION, "source": looked.source}
                with ExitStack() as undone:
                    undone.callback(self._remove)
                    undone.callback(self.close)
                    self._add(
                        head | {"is_video": looked.is_video, "settings": dict(looked.settings)}
                    )
                    undone.pop_all()
        except OSError as error:
            self._refuse(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        with suppress(OSError):  # what a full disk has not taken; that was told when it happened
            self._file.close()

    def write(self, frame: FrameFaces) -> None:
        """Add a frame.

        Raises
        ------
        FaceswapError
            The disk is full, or otherwise refuses.
        """
        try:
            self._add(
                {
                    "frame": frame.index,
                    "name": frame.name,
                    "size": list(frame.size),
                    "look": frame.look.hex(),
                    "faces": [*map(_face_fields, frame.faces, frame.looks)],
                }
            )
        except OSError as error:
            self._refuse(error)

    def _add(self, fields: dict[str, Any]) -> None:
        self._file.write(json.dumps(fields, separators=(",", ":")).encode() + b"\n")
        self._file.flush()

    def _remove(self) -> None:
        """Take away what a full disk left, so that it is not taken for an earlier run."""
        if self._path.is_file():
            self._path.unlink()

    def _go_on(self, looked: Looked) -> None:
        known = read_alignments(self._path).looked
        was, now = (
            {"source": each.source, "is_video": each.is_video, **each.settings}
            for each in (known, looked)
        )
        # What is not said was no setting when it was begun.
        if differing := sorted(key for key in was if was[key] != now.get(key)):
            names = ", ".join(differing)
            raise FaceswapError(
                f"'{self._path}' was begun with another {names}: go on with the same, or name "
                "another folder with -o"
            )
        whole = self._path.read_bytes().rfind(b"\n") + 1
        with self._path.open("r+b") as file:
            file.truncate(whole)

    def _refuse(self, error: OSError) -> NoReturn:
        raise FaceswapError(f"can't write '{self._path}': {error.strerror or error}") from error


def _face_fields(face: Face, look: bytes) -> dict[str, Any]:
    return {
        "box": list(face.box),
        "landmarks": np.round(face.landmarks, 3).tolist(),
        "score": round(face.score, 4),
        "person": face.person,
        **({"look": look.hex()} if look else {}),
    }
