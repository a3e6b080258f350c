"""What every writer is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from lib.config.options import Options
from lib.errors import FaceswapError
from lib.media.credentials import Credentials
from lib.media.frame import Frame
from lib.media.source import Source
from plugins.convert.writer._unfinished import description


class WriterBase(ABC):
    """Writes the frames of a source, in order.

    A plugin's file defines a class ``Writer`` that inherits from this one, and a dataclass
    ``Options``. It is used as a context: leaving it without `finish` keeps what can be gone on
    with and gives up the rest.

    Parameters
    ----------
    path
        File or folder to write.
    source
        Where the frames come from.
    options
        The plugin's own.
    resume
        Go on with what an earlier run has left there.
    made_with
        What else the frames are made with, by name: values that JSON can hold.
    credentials
        What the finished files are signed with; None to leave them unsigned.

    Attributes
    ----------
    faces
        Faces that were swapped in the frames so far, those of the runs before included.

    Raises
    ------
    FaceswapError
        The writer can't write to that path, another run does, it would write over the source, or
        over what an earlier run has left and this one does not go on with: because it is not to, or
        because that was made in another way or of another source.
    """

    def __init__(
        self,
        path: str | Path,
        source: Source,
        options: Options,
        *,
        resume: bool = False,
        made_with: Mapping[str, object] | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.path, self.source = Path(path), source
        self.faces = 0
        self._is_resuming = resume
        self._credentials = credentials
        settings = asdict(options) | {"is_signed": credentials is not None}
        self._made_of = description(source, settings | dict(made_with or {}))
        self._check_apart()

    @property
    @abstractmethod
    def done(self) -> int:
        """Number of the frame to go on at: those before are written already, and safe."""

    @abstractmethod
    def write(self, frame: Frame, faces: int = 0) -> None:
        """Write a frame; its number is higher than that of the one before.

        Parameters
        ----------
        frame
            The frame.
        faces
            How many faces were swapped in it.

        Raises
        ------
        FaceswapError
            It can't be written; the message says what is kept.
        """

    @abstractmethod
    def finish(self) -> None:
        """Finish after the last frame; only now it counts as whole.

        Raises
        ------
        FaceswapError
            It can't be written, or there was no frame.
        """

    def discard(self) -> None:  # noqa: B027 - some have written nothing before they finish
        """Take away what was written, in this run and those before: no frame of it was swapped."""

    def close(self) -> None:  # noqa: B027 - some have nothing to give up
        """Give up what can't be gone on with, and let others write the output."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _sign(self, path: Path, name: str) -> None:
        """Sign a file that is still to get its name."""
        if self._credentials is not None:
            self._credentials.sign(path, name)

    def _check_apart(self) -> None:
        if self.path.resolve() in (self.source.path.resolve(), self.source.files[0].resolve()):
            raise FaceswapError(f"'{self.path}' is the source itself: name another output")
