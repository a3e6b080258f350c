"""Nothing that reads faces can run code out of them: there is nothing that could."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

LIB = Path(__file__).parents[3] / "lib"
SOURCES = sorted([*(LIB / "data").rglob("*.py"), *(LIB / "align").rglob("*.py")])
MODULES = {"pickle", "cPickle", "dill", "marshal", "shelve", "joblib", "subprocess", "importlib"}
CALLS = {"eval", "exec", "compile", "__import__", "system", "popen"}


def faults(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            yield from faults_of_call(node)


def faults_of_call(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    if name.split(".")[-1] in CALLS and name != "re.compile":
        yield name
    if name.split(".")[-1] == "load" and name.split(".")[0] in {"torch", "np", "numpy"}:
        yield name
    yield from (word.arg for word in node.keywords if word.arg == "allow_pickle")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_source_can_run_what_a_file_holds(path: Path) -> None:
    assert list(faults(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from pickle import loads",
        "eval(text)",
        "exec(text)",
        "torch.load(path)",
        "np.load(path, allow_pickle=True)",
        "data.read(allow_pickle=True)",
        "os.system(text)",
        "__import__(text)",
    ],
)
def test_what_could_is_found(text: str) -> None:
    assert list(faults(ast.parse(text)))
