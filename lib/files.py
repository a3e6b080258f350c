"""Writing files so that a reader never sees half of one."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lib.errors import FaceswapError

UNFINISHED = ".saving-"
"""How the name of a file begins that is not whole yet."""

_ON_DISK = "/var/tmp"

_left_over: list[Path] = []
"""Temporary files that could not be taken away when their writing failed."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, and put it in `path`'s place at the end.

    On any error the temporary file goes and `path` stays as it was.

    Parameters
    ----------
    path
        File to write or replace; its folder is made where it is missing.

    Yields
    ------
    Path
        Where to write: a name that no other thread or process takes, with the suffix of `path`.

    Raises
    ------
    FaceswapError
        The operating system refused, for instance because the disk is full.
    """
    # Without the rest of the name, which may be as long already as a system takes.
    temporary = path.with_name(f"{UNFINISHED}{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise FaceswapError(f"can't write '{path}': {error.strerror or error}") from error
    finally:
        _left_over.append(temporary)
        _sweep()


def _sweep() -> None:
    """Take away what is left over; what is refused now is tried again with the next file."""
    for path in tuple(_left_over):
        with suppress(OSError, ValueError):  # another thread may take it away, too
            path.unlink(missing_ok=True)
            _left_over.remove(path)


def remove_unfinished(folder: Path) -> None:
    """Take away what a killed program was writing in a folder; what is refused stays."""
    for path in folder.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            path.unlink()


def keep_as(path: Path, other: Path) -> None:
    """Keep a file under a second name as well; where there is none yet, do nothing.

    The file never leaves its own name, so that a program that dies just then loses nothing. A link
    costs no space; where links are not to be had it is a copy.
    """
    if not path.exists() or (other.exists() and other.samefile(path)):
        return
    with replacing(other) as temporary:
        try:
            os.link(path, temporary)
        except OSError:
            shutil.copy2(path, temporary)


def sync(path: Path) -> None:
    """Wait until a file, or the list of a folder's files, is on the disk and survives a power cut.

    Raises
    ------
    OSError
        The disk failed; what was written may be lost.
    """
    is_windows = os.name == "nt"
    if is_windows and path.is_dir():
        return  # there is no such thing
    number = os.open(path, os.O_RDWR if is_windows else os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def make_read_only(path: Path) -> None:
    """Keep a file from being written into by mistake; it can be renamed and removed as before."""
    if os.name != "nt":  # there it could not be
        with suppress(OSError):
            path.chmod(0o444)


def roomy_folder() -> str:
    """Where large temporary files lie: as the environment says, or else on a disk, if there is one.

    The default, /tmp, is in memory on many systems, which such files would fill.
    """
    is_named = any(os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP"))
    if not is_named and os.path.isdir(_ON_DISK) and os.access(_ON_DISK, os.W_OK | os.X_OK):
        return _ON_DISK
    return tempfile.gettempdir()


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, so that they survive a power cut.

    Raises
    ------
    OSError
        One can't be made.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    with suppress(PermissionError):  # a folder that may be written to need not be readable
        sync(folder.parent)
