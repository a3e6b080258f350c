import os
import subprocess
import sys
from pathlib import Path

import pytest

import lib

ROOT = Path(lib.__file__).parents[1]
LAY = """
import logging, sys
logging.basicConfig(level=logging.INFO, format="%(message)s")
import numpy as np
from lib.data.kernels import kernels
assert "numba" not in sys.modules
picture, masks = np.array([[0x04030201]], np.uint32), np.array([[0, 5, 6]], np.uint8)
found, result = np.array([[0, 1, 0, 1]] * 2), np.zeros((1, 3), np.uint16)
for _ in range(2):
    kernels().lay(picture, masks, found, np.eye(2, 3), result)
print(result.view(np.uint8)[0].tolist())
"""


@pytest.fixture
def package(tmp_path):
    """A copy of the kernels of which nothing is compiled yet."""
    for name in ("__init__.py", "data/__init__.py", "data/srgb.py"):
        (tmp_path / "lib" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lib" / name).write_bytes((ROOT / "lib" / name).read_bytes())
    (tmp_path / "lib/data/kernels").mkdir()
    for file in (ROOT / "lib/data/kernels").glob("*.py"):
        (tmp_path / "lib/data/kernels" / file.name).write_bytes(file.read_bytes())
    return tmp_path


def run(package, home):
    drop = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in drop}
    environment |= {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", LAY]
    done = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True)
    assert done.stdout == "[1, 2, 3, 4, 5, 6]\n", done.stderr
    return done.stderr.splitlines()


def test_compiling_is_told_once_on_a_machine(package):
    assert run(package, package) == ["Compiling the data path, once on this machine: some seconds"]
    assert run(package, package) == []


def test_where_nothing_can_be_kept_it_compiles_each_time(package):
    """Files stand where folders would have to be: that stops the administrator too."""
    (package / "lib/data/kernels/__pycache__").touch()
    (package / "home").touch()
    for _ in range(2):
        (line,) = run(package, package / "home")
        assert line == "Compiling the data path, as no folder can keep the result: some seconds"
