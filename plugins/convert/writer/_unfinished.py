"""Says of an output that it is not whole, and what it is made of, so that one can go on with it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from lib.errors import FaceswapError
from lib.files import replacing
from lib.media.mark import creator_tool
from lib.media.source import Source

NAME = "unfinished.json"
"""File that lies beside what is not whole yet."""

_OF_THE_SOURCE = ("files", "bytes", "changed")


@dataclass(frozen=True)
class Record:
    """What the file says.

    Attributes
    ----------
    made_of
        As `description` has it.
    done
        Number of the frame to go on at; of pictures only, since pieces say it themselves.
    faces
        Faces that were swapped in the frames before.
    written
        Pictures that were written; broken frames of the source have none.
    """

    made_of: Mapping[str, object]
    done: int = 0
    faces: int = 0
    written: int = 0


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


def differing(was: Mapping[str, object], now: Mapping[str, object]) -> str:
    """Names of what differs between two descriptions, with commas; empty where they are the same.

    Whatever has changed in the source's files counts as ``source``.
    """
    old, new = dict(_values(was)), dict(_values(now))
    keys = [key for key in old.keys() | new.keys() if old.get(key) != new.get(key)]
    names = {"source" if key in _OF_THE_SOURCE else key.rpartition("/")[2] for key in keys}
    return ", ".join(sorted(names))


def read(folder: Path) -> Record | None:
    """Read what a folder's file says; None where there is none, or none that can be read."""
    try:
        fields = json.loads((folder / NAME).read_text(encoding="utf-8"))
        written = int(fields.get("written", 0))
        return Record(dict(fields["made_of"]), int(fields["done"]), int(fields["faces"]), written)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(folder: Path, record: Record) -> None:
    """Say of a folder that it is unfinished.

    Raises
    ------
    FaceswapError
        It can't be written to.
    """
    with replacing(folder / NAME) as temporary:
        temporary.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")


def end(folder: Path) -> None:
    """Say no longer that a folder is unfinished.

    Raises
    ------
    FaceswapError
        It can't be written to.
    """
    try:
        (folder / NAME).unlink(missing_ok=True)
    except OSError as error:
        raise FaceswapError(f"can't remove '{folder / NAME}': {error.strerror}") from error


def refusal(folder: Path, frames: int, differs: str) -> FaceswapError:
    """Error that says which frames of an earlier run are in the way.

    Parameters
    ----------
    folder
        Where they are.
    frames
        How many.
    differs
        In what they are made otherwise, as `differing` says.
    """
    made, same = (
        (f" made with another {differs}", " with the same options") if differs else ("", "")
    )
    return FaceswapError(
        f"'{folder}' holds {frames} frames of an earlier run{made}: go on with it by "
        f"--resume{same}, or remove it"
    )


def _values(fields: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """Values of a description by their place in it."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _values(value, f"{before}{name}/")
        else:
            yield f"{before}{name}", value
