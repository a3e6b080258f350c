"""One run at a time may write to a model's folder.

The operating system holds the lock and lets go of it when the process ends, in whatever way, so
that a run which was killed stands in nobody's way.
"""

from contextlib import suppress
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from lib.errors import FaceswapError
from lib.files import make_folder
from lib.hold import holder_in_words, write_holder

LOCK, HOLDER = ".lock", ".holder.json"
PATIENCE = 0.5
"""Seconds for which a run tries: `FolderLock.holder` has to take the lock for a moment."""


class FolderLock:
    """Context that holds a model's folder.

    Parameters
    ----------
    folder
        The model's folder; it is made where it is missing, and goes again if nothing came into it.

    Raises
    ------
    FaceswapError
        On entering: another process holds it (who, and since when), or it can't be written to.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._holder = self._folder / HOLDER
        self._lock = FileLock(self._folder / LOCK)
        self._is_mine = False

    def __enter__(self) -> Self:
        self._is_mine = not self._folder.exists()
        try:
            make_folder(self._folder)
            self._lock.acquire(timeout=PATIENCE)
        except Timeout:
            raise FaceswapError(
                f"model folder '{self._folder}' is in use by {holder_in_words(self._holder)}: wait "
                "for its end, stop it, or name another folder with -m"
            ) from None
        except OSError as error:
            raise FaceswapError(
                f"model folder '{self._folder}' can't be written to ({error.strerror}): name "
                "another with -m, or change its permissions"
            ) from error
        write_holder(self._holder)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._holder.unlink(missing_ok=True)
            # While it is held: whoever opened it meanwhile sees that it is gone, and looks anew.
            (self._folder / LOCK).unlink()
            if self._is_mine:
                self._folder.rmdir()  # fails, as it should, where something has come into it
        self._lock.release()

    def holder(self) -> str | None:
        """Who holds the folder, in words; None if no process does.

        Raises
        ------
        FaceswapError
            The lock of another user's run can't be looked at.
        """
        if not (self._folder / LOCK).exists():
            return None
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return holder_in_words(self._holder)
        except OSError as error:
            raise FaceswapError(
                f"whether '{self._folder}' is in use can't be told: '{LOCK}' in it can't be opened "
                f"({error.strerror}); ask as the user who trains there"
            ) from error
        self._lock.release()
        return None
