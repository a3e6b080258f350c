"""The alignments file: which faces were found in each frame of a video or a folder of pictures.

Text of one JSON object a line, in UTF-8. The first line tells what was looked at and how; each line
after it is one frame, in the order of the source, also of a frame without a face. A line is added
once its faces are written, so that a run that was killed goes on after the last whole one.
``docs/alignments.md`` has the fields.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

import cv2
import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import Alignment
from lib.errors import FaceswapError
from lib.extract.face import Face
from lib.media.frame import Frame

FILE_NAME: Final = "alignments.jsonl"
"""What the file is called in a folder of faces."""

FORMAT: Final = "faceswap-train alignments"
VERSION: Final = 1
_LOOK_EDGE = 4
_MOST_DIFFERENT = 4.0
_MOST_DIFFERENT_FACE = 8.0
_LONGEST_LINE = 1 << 20
_LARGEST_NUMBER = 1e6
_SETTINGS: dict[str, tuple[type, Any]] = {
    **dict.fromkeys(("detector", "aligner", "only"), (str, "")),
    **{"min_size": (int, 0), "max_faces": (int, 1)},
}
"""Kind and least value of settings that faces are looked for with where a frame has no line."""


@dataclass(frozen=True)
class Looked:
    """What was looked at, and how.

    Attributes
    ----------
    source
        Name of the video, folder or picture, without its path.
    is_video
        Whether it is a video.
    settings
        What decides which faces are found, by name: plain JSON values.
    """

    source: str
    is_video: bool
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class FrameFaces:
    """The faces of one frame.

    Attributes
    ----------
    index, name
        The frame's number, from 0, and its name; see `lib.media.frame.Frame`.
    size
        Height and width of the frame in pixels.
    look
        What tells the frame from another one; see `look_of`.
    faces
        The faces, by their people's numbers.
    looks
        The look of each face's box, in their order; an empty one where it is not known.
    """

    index: int
    name: str
    size: tuple[int, int]
    look: bytes
    faces: tuple[Face, ...]
    looks: tuple[bytes, ...]

    @classmethod
    def of(cls, frame: Frame, faces: Sequence[Face]) -> "FrameFaces":
        """The faces of a frame, with what the frame looks like."""
        height, width = frame.image.shape[:2]
        looks = tuple(_look_within(frame.image, face) for face in faces)
        look = look_of(frame.image)
        return cls(frame.index, frame.name, (height, width), look, tuple(faces), looks)

    def check(self, image: NDArray[np.uint8]) -> None:
        """See that a picture, ``(height, width, 3)``, is the frame that these faces are of.

        Raises
        ------
        FaceswapError
            It is of another size, or looks different, as a whole or where a face should be.
        """
        height, width = image.shape[:2]
        if (height, width) != self.size:
            there = f"{self.size[1]}x{self.size[0]}"
            raise FaceswapError(
                f"frame {self.index + 1} is of {width}x{height} pixels, and of {there} in the "
                "alignments file: it belongs to another video; run faceswap extract on this one"
            )
        differ = _difference(look_of(image), self.look) > _MOST_DIFFERENT
        for face, look in zip(self.faces, self.looks, strict=True):
            differ |= _difference(_look_within(image, face), look) > _MOST_DIFFERENT_FACE
        if differ:
            raise FaceswapError(
                f"frame {self.index + 1} is another picture than the one in the alignments file: "
                "it belongs to another video; run faceswap extract on this one"
            )


@dataclass(frozen=True, eq=False)
class Alignments:
    """What an alignments file holds.

    Attributes
    ----------
    looked
        What was looked at, and how.
    frames
        The frames by their number, in the order of the source.
    """

    looked: Looked
    frames: Mapping[int, FrameFaces]

    def check(self, frame: Frame) -> FrameFaces | None:
        """The faces of a frame; None where there is no line of it.

        Raises
        ------
        FaceswapError
            The line is of another frame: a picture of another name, or what looks different.
        """
        known = self.frames.get(frame.index)
        if known is None:
            return None
        if not self.looked.is_video and frame.time is None and frame.name != known.name:
            raise FaceswapError(
                f"picture {frame.index + 1} is '{frame.name}', and '{known.name}' in the "
                "alignments file: pictures were added, removed or renamed since; run faceswap "
                "extract on these"
            )
        known.check(frame.image)
        return known


def look_of(image: NDArray[np.uint8]) -> bytes:
    """The mean grey levels of a picture's sixteen parts: alike for any decoder, and any quality."""
    small = cv2.resize(image, (_LOOK_EDGE, _LOOK_EDGE), interpolation=cv2.INTER_AREA)
    return bytes(np.rint(small.mean(axis=2)).astype(np.uint8).tobytes())


def _look_within(image: NDArray[np.uint8], face: Face) -> bytes:
    """The look of a face's box; empty where the box lies outside the frame."""
    x, y, w, h = face.box
    box = image[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)]
    return look_of(box) if box.size else b""


def _difference(look: bytes, other: bytes) -> float:
    """Grey levels, on average; 0 where one is not known."""
    if not (look and other):
        return 0.0
    here, there = (np.frombuffer(each, np.uint8).astype(float) for each in (look, other))
    return float(np.abs(here - there).mean())


def alignments_file(path: str | Path) -> Path:
    """The file that a path names: itself, or the one in a folder of faces."""
    path = Path(path)
    return path / FILE_NAME if path.is_dir() else path


def read_alignments(path: str | Path) -> Alignments:
    """Read an alignments file.

    Parameters
    ----------
    path
        The file, or the folder of faces that it lies in. A last line that is cut off, as a killed
        run leaves it, is passed over.

    Raises
    ------
    FaceswapError
        There is no such file, or a line is not in the format: names the file and the line.
    """
    file = alignments_file(path)
    number = 0
    try:
        with file.open("rb") as lines:
            looked = _looked(_parsed(_line(lines.readline(_LONGEST_LINE))))
            frames: dict[int, FrameFaces] = {}
            for line in _whole_lines(lines):
                number += 1
                frame = _frame(_parsed(line))
                frames[frame.index] = frame
    except FileNotFoundError:
        raise FaceswapError(
            f"there is no alignments file '{file}': make it by faceswap extract, or leave -a out, "
            "and faces are looked for"
        ) from None
    except OSError as error:
        raise FaceswapError(f"alignments file '{file}' can't be read: {error.strerror}") from error
    except FaceswapError as error:
        raise FaceswapError(f"'{file}', line {number + 1}: {error}") from None
    return Alignments(looked, frames)


def _whole_lines(lines: Any) -> Iterator[bytes]:
    while line := lines.readline(_LONGEST_LINE):
        if not line.endswith(b"\n") and not lines.read(1):
            return  # what a killed run has left
        yield _line(line)


def _line(line: bytes) -> bytes:
    if not line.endswith(b"\n"):
        _bad("is empty, too long, or cut off")
    return line


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        _bad("is no JSON")
    return fields if isinstance(fields, dict) else _bad("is no JSON object")


def _looked(fields: dict[str, Any]) -> Looked:
    if fields.get("format") != FORMAT:
        _bad("this is no alignments file of faceswap extract")
    if fields.get("version") != VERSION:
        _bad(f"is of version {fields.get('version')!r}, and this program reads {VERSION}")
    source, is_video, settings = (fields.get(key) for key in ("source", "is_video", "settings"))
    if not (isinstance(source, str) and isinstance(is_video, bool) and isinstance(settings, dict)):
        _bad("has no source, is_video and settings")
    for name, (kind, least) in _SETTINGS.items():
        value = settings.get(name)
        if value is not None and (type(value) is not kind or value < least):
            _bad(f"has settings with a bad {name}")
    return Looked(source, is_video, settings)


def _frame(fields: dict[str, Any]) -> FrameFaces:
    index, name, faces = (fields.get(key) for key in ("frame", "name", "faces"))
    if type(index) is not int or index < 0 or not isinstance(name, str):
        _bad("has no frame and name")
    height, width = _numbers(fields.get("size"), (2,), "size").astype(int).tolist()
    look = _look(fields)
    if not look or not isinstance(faces, list):
        _bad("has no look and faces")
    found, looks = tuple(map(_face, faces)), tuple(map(_look, faces))
    return FrameFaces(index, name, (height, width), look, found, looks)


def _look(fields: dict[str, Any]) -> bytes:
    """A look; empty where there is none, as of faces that were found by the first versions."""
    try:
        look = bytes.fromhex(fields.get("look", ""))
    except (TypeError, ValueError):
        return b""
    return look if len(look) == _LOOK_EDGE**2 else b""


def _face(fields: Any) -> Face:
    if not isinstance(fields, dict):
        _bad("has a face that is no JSON object")
    x, y, w, h = _numbers(fields.get("box"), (4,), "box").astype(int).tolist()
    landmarks = _numbers(fields.get("landmarks"), (68, 2), "landmarks")
    try:
        Alignment(landmarks).matrix(64, "head")
    except FaceswapError as error:
        _bad(f"has a face that {error}")
    score = _numbers([fields.get("score", 1)], (1,), "score").item()
    person = fields.get("person", 0)
    if type(person) is not int or person < 0:
        _bad("has a person that is no whole number")
    return Face((x, y, w, h), landmarks, score, person)


def _numbers(raw: Any, shape: tuple[int, ...], what: str) -> NDArray[np.float64]:
    wanted = " by ".join(map(str, shape))
    try:
        numbers = np.array(raw, np.float64)
    except (TypeError, ValueError, OverflowError):
        _bad(f"has a bad {what}: {wanted} numbers are wanted")
    if numbers.shape != shape:
        _bad(f"has a bad {what}: {wanted} numbers are wanted")
    if not (np.abs(numbers) <= _LARGEST_NUMBER).all():
        _bad(f"has a bad {what}: a number in it is none, or beyond {_LARGEST_NUMBER:,.0f}")
    return numbers


def _bad(reason: str) -> NoReturn:
    raise FaceswapError(reason)
