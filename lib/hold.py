"""One run at a time writes an output.

The operating system holds the lock and lets go of it when the process ends, in whatever way, so
that a run which was killed stands in nobody's way.
"""

import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from lib.errors import FaceswapError

# No names that a user's own files have: opening a lock empties it.
LOCK, HOLDER = ".writing.lock", ".writing.json"


def write_holder(path: Path) -> None:
    """Write down that this process holds something; a full disk is no hindrance."""
    about = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
    with suppress(OSError):
        path.write_text(json.dumps(about), encoding="utf-8")


def holder_in_words(path: Path) -> str:
    """Who holds something and since when, as `write_holder` wrote it down."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(float(about["since"])))
        return f"process {int(about['pid'])} on '{about['host']}' since {since}"
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return "another process"


class Hold:
    """Holds a folder for this run.

    Parameters
    ----------
    folder
        The folder; it is made where it is missing.
    output
        What is written, for messages.

    Raises
    ------
    FaceswapError
        Another run holds it (who, and since when), or it can't be written to.
    """

    def __init__(self, folder: Path, output: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / LOCK)
        try:
            self._is_users = folder.is_dir() and not any(folder.iterdir())
            folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
        except Timeout:
            raise FaceswapError(
                f"'{output}' is being written by {holder_in_words(folder / HOLDER)}: wait for its "
                "end, stop it, or name another output"
            ) from None
        except OSError as error:
            raise FaceswapError(f"can't write '{output}': {error.strerror or error}") from error
        write_holder(folder / HOLDER)

    def release(self) -> None:
        """Let go; the folder goes as well if it is empty, unless it was there so before."""
        if not self._lock.is_locked:
            return
        with suppress(OSError):
            (self._folder / HOLDER).unlink(missing_ok=True)
            # While it is held: whoever opened it meanwhile sees that it is gone, and looks anew.
            (self._folder / LOCK).unlink()
        self._lock.release()
        if not self._is_users:
            with suppress(OSError):
                self._folder.rmdir()
