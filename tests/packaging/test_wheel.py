"""The wheel, as a user gets it."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("faceswap", "lib", "plugins", "scripts")

IMPORT_ALL = """
import importlib, sys
sys.path.insert(0, {tests!r})
import test_documented_api as api
for path in api.NAMES:
    api.find(path)
import lib
assert {root!r} not in lib.__file__, lib.__file__
print(len(api.NAMES))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True)
    return next(folder.glob("*.whl"))


def test_it_holds_every_module_and_marker_and_nothing_else(wheel: Path) -> None:
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", ".css") or path.name == "py.typed"
    }
    theirs = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    assert theirs == ours
    assert {f"{package}/py.typed" for package in PACKAGES} <= theirs


def test_every_documented_name_can_be_imported_from_it_in_a_fresh_venv(
    wheel: Path, tmp_path: Path
) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = str(scripts / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", str(wheel)], check=True)
    # What the wheel depends on is borrowed: installing it anew would take minutes.
    place = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", place], check=True, capture_output=True, text=True).stdout
    borrowed = Path(site.strip()) / "borrowed.pth"
    borrowed.write_text(sysconfig.get_path("purelib") + "\n")
    code = IMPORT_ALL.format(tests=str(ROOT / "tests" / "contract"), root=str(ROOT))
    result = subprocess.run(
        [python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 30
    version = [str(scripts / "faceswap"), "--version"]
    assert subprocess.run(version, cwd=tmp_path, check=True, capture_output=True).stdout
