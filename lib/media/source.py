"""Where frames come from: a video, a folder of pictures or a single picture."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from lib.errors import FaceswapError
from lib.media.frame import Frame
from lib.media.pictures import PICTURES, PictureSource
from lib.media.video import VideoInfo, VideoSource


class Source(Protocol):
    """Frames, one after the other.

    Attributes
    ----------
    path
        What was opened.
    files
        The files that the frames are read from.
    is_video
        Whether it is a video.
    count
        How many frames there are; of a video an estimate where its file does not say, and None
        where there is nothing to estimate from.
    size
        Height and width of the first frame, upright. A video's frames are all of this size.
    video
        What is known of a video; None for pictures.
    """

    @property
    def path(self) -> Path: ...  # noqa: D102
    @property
    def files(self) -> list[Path]: ...  # noqa: D102
    @property
    def is_video(self) -> bool: ...  # noqa: D102
    @property
    def count(self) -> int | None: ...  # noqa: D102
    @property
    def size(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def video(self) -> VideoInfo | None: ...  # noqa: D102

    def name(self, index: int) -> str:
        """Name of the frame of a number."""

    def frames(self, start: int = 0, every: int = 1) -> Iterator[Frame]:
        """Go through the frames of the numbers start, start + every and so on."""


def open_source(path: str | Path) -> Source:
    """Open a video, a folder of pictures or a single picture.

    Parameters
    ----------
    path
        A folder; a file with a picture's suffix; any other file is taken for a video.

    Raises
    ------
    FaceswapError
        There is nothing there, no picture in the folder, or it can't be read.
    """
    path = Path(path)
    if not path.exists():
        raise FaceswapError(f"'{path}' does not exist: give a video, a picture or a folder of them")
    if path.is_dir() or path.suffix.lower() in PICTURES:
        return PictureSource(path)
    return VideoSource(path)
