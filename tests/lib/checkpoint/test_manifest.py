"""The list of a save's files."""

import hashlib
import json
from pathlib import Path

import pytest

from lib.checkpoint.manifest import DamagedSaveError, Manifest
from lib.errors import FaceswapError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one").write_bytes(b"first")
    (tmp_path / "two").write_bytes(b"")
    Manifest.of(tmp_path, "tiny", 250, "000001_1").write(tmp_path)
    return tmp_path


def test_it_holds_sizes_and_checksums(folder: Path) -> None:
    raw = json.loads((folder / "manifest.json").read_text())
    assert raw.pop("saved") > 1.7e9
    assert raw == {
        "format": 1,
        "model": "tiny",
        "iterations": 250,
        "backup": "000001_1",
        "files": {
            "one": {"bytes": 5, "sha256": hashlib.sha256(b"first").hexdigest()},
            "two": {"bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()},
        },
    }


def test_a_whole_save_passes(folder: Path) -> None:
    manifest = Manifest.read(folder)
    assert (manifest.model, manifest.iterations, manifest.backup) == ("tiny", 250, "000001_1")
    manifest.verify(folder)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"firsT", "altered"), (b"firs", "cut off or longer"), (None, "one can't be read: No such")],
)
def test_whatever_is_not_what_was_written_is_found(
    folder: Path, content: bytes | None, why: str
) -> None:
    if content is None:
        (folder / "one").unlink()
    else:
        (folder / "one").write_bytes(content)
    with pytest.raises(DamagedSaveError, match=why):
        Manifest.read(folder).verify(folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "files": 3}', "[" * 100_000, "\xff"]
)
def test_a_damaged_list_is_named(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(DamagedSaveError, match=r"its manifest\.json is damaged"):
        Manifest.read(folder)


def test_a_list_leads_to_no_file_elsewhere(folder: Path) -> None:
    secret = folder.parent / "secret"
    secret.write_bytes(b"first")
    file = folder / "manifest.json"
    file.write_text(file.read_text().replace('"one"', '"../secret"'))
    with pytest.raises(DamagedSaveError, match="its secret can't be read"):
        Manifest.read(folder).verify(folder)


def test_a_later_format_is_refused(folder: Path) -> None:
    file = folder / "manifest.json"
    file.write_text(file.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(FaceswapError, match="a save of format 2.*install a later version"):
        Manifest.read(folder)
