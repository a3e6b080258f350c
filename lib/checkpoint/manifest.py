"""The list of a save's files with their checksums: what makes a save whole, or not."""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from lib.errors import FaceswapError

FILE = "manifest.json"
FORMAT = 1
"""Version of the layout that docs/saves.md describes."""


class DamagedSaveError(FaceswapError):
    """A save is not what it was when it was written; the message says why."""


@dataclass(frozen=True)
class Manifest:
    """What a save consists of.

    Attributes
    ----------
    model
        Name of the model plugin.
    iterations
        Iterations that the model was trained for.
    backup
        Name of the earlier save that is the backup; None where there is none yet.
    files
        Size in bytes and SHA-256 of each file by its name.
    saved
        When, in seconds since 1970.
    """

    model: str
    iterations: int
    backup: str | None
    files: dict[str, tuple[int, str]]
    saved: float

    @classmethod
    def of(cls, folder: Path, model: str, iterations: int, backup: str | None) -> Self:
        """Describe the files that lie in a folder."""
        files = {path.name: (path.stat().st_size, _sha256(path)) for path in folder.iterdir()}
        return cls(model, iterations, backup, files, time.time())

    def write(self, folder: Path) -> None:
        """Write the list into a folder."""
        files = {name: {"bytes": n, "sha256": digest} for name, (n, digest) in self.files.items()}
        raw = {"format": FORMAT, **vars(self), "files": files}
        (folder / FILE).write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the list in a folder.

        Raises
        ------
        DamagedSaveError
            There is none, or it is damaged.
        FaceswapError
            A later version of this program wrote it.
        """
        if not (folder / FILE).is_file():
            raise DamagedSaveError(f"its {FILE} is missing, or no file")
        try:
            raw = json.loads((folder / FILE).read_text(encoding="utf-8"))
            version = raw["format"]
            manifest = cls._from(raw) if version == FORMAT else None
        except OSError as error:
            raise DamagedSaveError(f"its {FILE} can't be read: {error.strerror}") from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DamagedSaveError(f"its {FILE} is damaged") from error
        if manifest is None:
            raise FaceswapError(
                f"'{folder}' is a save of format {version}, and this version reads format {FORMAT}:"
                " install a later version"
            )
        return manifest

    @classmethod
    def _from(cls, raw: dict[str, Any]) -> Self:
        files = {
            Path(str(name)).name: (int(entry["bytes"]), str(entry["sha256"]))
            for name, entry in raw["files"].items()
        }
        backup = None if raw["backup"] is None else Path(str(raw["backup"])).name
        return cls(str(raw["model"]), int(raw["iterations"]), backup, files, float(raw["saved"]))

    def verify(self, folder: Path) -> None:
        """Compare the files in a folder with the list.

        Raises
        ------
        DamagedSaveError
            One is missing, can't be read, or differs.
        """
        for name, (size, digest) in self.files.items():
            path = folder / name
            try:
                if path.stat().st_size != size:
                    raise DamagedSaveError(f"its {name} is cut off or longer than it was")
                found = _sha256(path)
            except OSError as error:
                raise DamagedSaveError(f"its {name} can't be read: {error.strerror}") from error
            if found != digest:
                raise DamagedSaveError(f"its {name} has been altered")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
