"""Writing files so that a reader never sees half of one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lib.errors import FaceswapError


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
        Where to write; it keeps the suffix of `path`.

    Raises
    ------
    FaceswapError
        The operating system refused, for instance because the disk is full.
    """
    temporary = path.with_name(f".saving-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise FaceswapError(f"can't write '{path}': {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def keep_as(path: Path, backup: Path) -> None:
    """Keep a file under a second name as well; where there is none yet, do nothing.

    The file never leaves its own name, so that a program that dies just then loses nothing. A link
    costs no space; where links are not to be had it is a copy.
    """
    if not path.exists():
        return
    with replacing(backup) as temporary:
        try:
            os.link(path, temporary)
        except OSError:
            shutil.copy2(path, temporary)
