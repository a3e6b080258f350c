"""Says of an output that it is not whole, and what it is made of, so that one can go on with it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from lib.errors import FaceswapError
from lib.files import UNFINISHED, replacing
from lib.media.mark import creator_tool
from lib.media.source import Source

NAME = "unfinished.json"
"""File that lies beside what is not whole yet."""


def description(source: Source, made_with: Mapping[str, object]) -> dict[str, object]:
    """Describe what an output is made of: the source's files as they are now, and how.

    Parameters
    ----------
    source
        Where the frames come from.
    made_with
        Options and whatever else changes the frames: values that JSON can hold.
    """
    stats = [file.stat() for file in source.files if file.exists()]
    described = {
        "program": creator_tool(),
        "source": str(source.path.resolve()),
        "files": len(stats),
        "bytes": sum(stat.st_size for stat in stats),
        "changed": max((stat.st_mtime_ns for stat in stats), default=0),
        "made_with": dict(made_with),
    }
    return dict(json.loads(json.dumps(described)))  # as it will be read back


def is_same(folder: Path, made_of: Mapping[str, object]) -> bool:
    """Whether what lies unfinished in a folder is made of the same."""
    try:
        return bool(json.loads((folder / NAME).read_text(encoding="utf-8")) == made_of)
    except (OSError, ValueError):
        return False


def begin(folder: Path, made_of: Mapping[str, object]) -> None:
    """Say of a folder that it is unfinished; it is made where it is missing.

    Raises
    ------
    FaceswapError
        It can't be written to.
    """
    with replacing(folder / NAME) as temporary:
        temporary.write_text(json.dumps(made_of, indent=1), encoding="utf-8")


def end(folder: Path) -> None:
    """Say no longer that a folder is unfinished."""
    try:
        (folder / NAME).unlink(missing_ok=True)
    except OSError as error:
        raise FaceswapError(f"can't remove '{folder / NAME}': {error.strerror}") from error


def sweep(folder: Path) -> None:
    """Take away what a killed run was writing."""
    for file in folder.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            file.unlink()
