"""Blocks and layers take all that they need as arguments."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.model import nn_blocks

FOLDER = Path(nn_blocks.__file__).parent
FILES = [
    *(FOLDER / f"{name}.py" for name in ("nn_blocks", "layers", "initializers")),
    *sorted((FOLDER / "blocks").glob("*.py")),
]
SETTINGS = ("lib.config", "plugins", "scripts", "faceswap", "os", "sys")


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_nothing_reads_a_setting_of_the_program(file: Path) -> None:
    tree = ast.parse(file.read_text())
    for module in imported(tree):
        assert not any(module == name or module.startswith(f"{name}.") for name in SETTINGS)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Global)]
