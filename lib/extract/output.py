"""A folder of faces with its alignments file, that a killed run leaves fit to go on."""

from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.errors import FaceswapError
from lib.extract.alignments import FILE_NAME, FrameFaces, Looked, read_alignments
from lib.extract.alignments_writer import AlignmentsWriter
from lib.extract.blur import sharpness
from lib.extract.face import Face
from lib.extract.picture import cut_face, draw_faces, face_name, write_face
from lib.files import remove_unfinished, replacing
from lib.hold import HOLDER, LOCK, Hold
from lib.media.frame import Frame

MARKER: Final = "faceswap_extract_unfinished.txt"
"""File that lies in a folder as long as not all frames of its source were looked at."""
DEBUG_FOLDER = "debug"
_THREADS = 2
_AHEAD = 4
_JUDGED = 256
"""Edge in pixels of the crop whose sharpness is judged."""


@dataclass(frozen=True)
class Pictures:
    """What is written beside the alignments file.

    Attributes
    ----------
    size
        Edge of a face's picture in pixels.
    sharpness
        No picture is written of a face that is less sharp; see `lib.extract.blur.sharpness`. None
        writes all.
    debug
        Whether each frame is written with boxes and landmarks drawn.
    """

    size: int = 512
    sharpness: float | None = None
    debug: bool = False


@dataclass(frozen=True)
class Done:
    """What a folder holds in the end.

    Attributes
    ----------
    frames
        Frames that were looked at.
    without
        Those of them that show no face.
    pictures
        Pictures of faces, by person.
    has_folders
        Whether each person's have a folder of their own.
    """

    frames: int
    without: int
    pictures: Counter[int]
    has_folders: bool


def person_folder(person: int) -> str:
    """Name of the folder of a person's pictures, where there are several people."""
    return f"person_{person + 1}"


class Output:
    """Writes faces, and after them the line that tells of them.

    Parameters
    ----------
    folder
        Where to; it is made.
    looked
        What is looked at, and how.
    pictures
        What is written beside the alignments file.
    resume
        Whether a folder that has an alignments file already is gone on with.
    twins
        Names of frames that differ from another's in the suffix only.

    Attributes
    ----------
    known
        What an earlier run has written.

    Raises
    ------
    FaceswapError
        The folder can't be written to, is of another run, or is there and not to be gone on with.
    """

    def __init__(
        self,
        folder: Path,
        looked: Looked,
        pictures: Pictures,
        *,
        resume: bool = False,
        twins: frozenset[str] = frozenset(),
    ) -> None:
        self._twins = twins
        self._folder, self._looked, self._pictures = folder, looked, pictures
        file = folder / FILE_NAME
        _check(folder, has_faces=file.exists(), resume=resume)
        self._hold = Hold(folder, folder)
        was_marked = (folder / MARKER).exists()
        with ExitStack() as undone:
            undone.callback(self._hold.release)
            if not was_marked:
                undone.callback((folder / MARKER).unlink, missing_ok=True)
            remove_unfinished(folder)
            with replacing(folder / MARKER) as temporary:
                temporary.write_text("faceswap extract has not ended here; --resume goes on\n")
            self._lines = AlignmentsWriter(file, looked)
            self.known = read_alignments(file)
            self._kept = len(self.known.frames)
            undone.pop_all()
        self._pool = ThreadPoolExecutor(_THREADS, "faces")
        self._pending: deque[tuple[FrameFaces, Future[None]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            while self._pending and kind is None:
                self._settle()
        finally:
            self._pool.shutdown(cancel_futures=True)
            self._lines.close()
            self._hold.release()

    def write(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Write the faces of the next frame.

        Raises
        ------
        FaceswapError
            The disk is full, or otherwise refuses; of this frame or of one shortly before.
        """
        line = FrameFaces.of(frame, faces)
        self._pending.append((line, self._pool.submit(self._draw, frame, line.faces)))
        if len(self._pending) > _AHEAD:
            self._settle()

    def sort(self) -> Done:
        """Give each person's pictures a folder, where there are several people.

        Without people being known again after a cut, there are only where a frame shows several.
        """
        frames = read_alignments(self._folder / FILE_NAME).frames.values()
        found = [
            (face.person, self._name(frame.name, number))
            for frame in frames
            for number, face in enumerate(frame.faces)
        ]
        several = len({person for person, _ in found}) > 1 and (
            self._looked.settings.get("recognises", True)
            or any(len(frame.faces) > 1 for frame in frames)
        )
        pictures: Counter[int] = Counter()
        for person, name in found:
            path = self._folder / name
            if several:
                path = self._folder / person_folder(person) / name
                _move(self._folder / name, path)
            pictures[person] += path.exists()
        (self._folder / MARKER).unlink(missing_ok=True)
        without = sum(not frame.faces for frame in frames)
        return Done(len(frames), without, pictures, has_folders=several)

    def forget(self) -> None:
        """Take away what was written of no face, that nothing stands in the way of another try."""
        for frame in read_alignments(self._folder / FILE_NAME).frames.values():
            self._debug_picture(frame.name).unlink(missing_ok=True)
        (self._folder / FILE_NAME).unlink()
        for folder in self._folder / DEBUG_FOLDER, self._folder:
            with suppress(OSError):
                folder.rmdir()  # only where it is empty

    def _settle(self) -> None:
        line, drawn = self._pending.popleft()
        try:
            drawn.result()
            self._lines.write(line)
        except FaceswapError as error:
            if not self._kept:
                raise
            raise FaceswapError(
                f"{error}; {self._kept} frames are kept in '{self._folder}', and --resume goes on "
                "after them"
            ) from error
        self._kept += 1

    def _draw(self, frame: Frame, faces: tuple[Face, ...]) -> None:
        is_video, size = self._looked.is_video, self._pictures.size
        for number, face in enumerate(faces):
            if self._is_sharp(frame, face):
                path = self._folder / self._name(frame.name, number)
                write_face(path, frame, number, face, size, is_video=is_video)
        if self._pictures.debug:
            _write_debug(self._debug_picture(frame.name), draw_faces(frame.image, faces))

    def _debug_picture(self, frame_name: str) -> Path:
        stem = frame_name if frame_name in self._twins else Path(frame_name).stem
        return self._folder / DEBUG_FOLDER / f"{stem}.jpg"

    def _name(self, frame_name: str, number: int) -> str:
        return face_name(frame_name, number, is_twin=frame_name in self._twins)

    def _is_sharp(self, frame: Frame, face: Face) -> bool:
        least = self._pictures.sharpness
        if least is None:
            return True
        return sharpness(cut_face(frame.image, face.landmarks, _JUDGED)) >= least


def _check(folder: Path, *, has_faces: bool, resume: bool) -> None:
    """See that nothing of the user's is written over."""
    if folder.is_file():
        raise FaceswapError(f"'{folder}' is a file: name a folder with -o")
    if has_faces and not resume:
        raise FaceswapError(
            f"'{folder}' holds faces of an earlier run: go on with it by --resume, or name "
            "another folder with -o"
        )
    ours = {LOCK, HOLDER, MARKER}  # a run that has just begun, or was killed so: the lock tells
    if not has_faces and folder.is_dir() and any(p.name not in ours for p in folder.iterdir()):
        raise FaceswapError(
            f"'{folder}' holds files already, and no faces of an earlier run: name another folder "
            "with -o"
        )


def _write_debug(path: Path, image: NDArray[np.uint8]) -> None:
    _, data = cv2.imencode(path.suffix, image)
    with replacing(path) as temporary:
        temporary.write_bytes(data.tobytes())


def _move(path: Path, place: Path) -> None:
    if not path.exists():  # it was moved before, or never written because it is blurred
        return
    try:
        place.parent.mkdir(exist_ok=True)
        path.replace(place)
    except OSError as error:
        raise FaceswapError(f"can't move '{path}' to '{place}': {error.strerror}") from error
