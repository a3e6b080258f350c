"""The table of promises names tests that exist, and leaves nothing out of what was asked for."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
SHARED = ROOT.parent / "shared"

Row = dict[str, str]


def rows(text: str) -> list[Row]:
    """Rows of all tables, by the names of their columns."""
    found: list[Row] = []
    head: list[str] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            head = []
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if not head:
            head = cells
        elif not set(line) <= set("|- "):
            assert len(cells) == len(head), line
            found.append(dict(zip(head, cells, strict=True)))
    return found


@cache
def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def is_test(name: str) -> bool:
    """Whether ``tests/path.py::test_name`` is there."""
    path, _, function = name.partition("::")
    is_named = path.startswith("tests/") and function.startswith("test_")
    return is_named and (ROOT / path).is_file() and function in functions_of(ROOT / path)


def fault(row: Row) -> str | None:
    """What is wrong with a row, or None."""
    if re.match(r"open: \w+( \S+){3,}", row["tests"]):
        return None
    names = re.findall(r"`([^`]+)`", row["tests"])
    if not names:
        return "no test"
    if absent := [name for name in names if not is_test(name)]:
        return f"no such test: {', '.join(absent)}"
    if lost := [x for x in re.findall(r"`([^`]+)`", row["where"]) if not (ROOT / x).exists()]:
        return f"no such file: {', '.join(lost)}"
    return None if row["promise"] and row["where"] else "says too little"


ROWS = rows(TEXT)


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_every_promise_is_shown_by_tests_that_exist(row: Row) -> None:
    assert fault(row) is None


def test_no_id_stands_twice() -> None:
    times = Counter(row["id"] for row in ROWS)
    assert [name for name, count in times.items() if count > 1] == []
    assert all(re.fullmatch(r"[A-Z]\d+", name) for name in times)


def test_a_table_of_many_rows_is_read() -> None:
    assert len(ROWS) > 150
    assert len(ROWS) == len(re.findall(r"^\| [A-Z]\d+ \|", TEXT, re.MULTILINE))


GOOD = (
    "| A1 | a promise | `lib/errors.py` | `tests/lib/test_gpus.py::test_the_cards_left_are_named` |"
)
HEAD = "| id | promise | where | tests |\n|---|---|---|---|\n"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "", None),
        ("test_the_cards", "test_no_cards", "no such test"),
        ("test_gpus.py", "test_gpu.py", "no such test"),
        ("`tests/lib/test_gpus.py::test_the_cards_left_are_named`", "", "no test"),
        ("`tests/lib/test_gpus.py::test_the_cards_left_are_named`", "open:", "no test"),
        ("`tests/lib/test_gpus.py::test_the_cards_left_are_named`", "open: it is not done", None),
        ("lib/errors.py", "lib/error.py", "no such file"),
        ("a promise", "", "says too little"),
    ],
)
def test_a_broken_row_is_told(before: str, after: str, expected: str | None) -> None:
    (row,) = rows(HEAD + GOOD.replace(before, after))
    found = fault(row)
    assert (found or "None").startswith(str(expected))


def document() -> list[str]:
    """Blocks of the document, where it is at hand."""
    files = list((SHARED / "seeds").glob("*.txt"))
    if not files:
        pytest.skip("the document is needed, and ../shared/seeds is absent")
    return [block for block in re.split(r"\n\s*\n", files[0].read_text()) if block.strip()]


def specification(section: int) -> str:
    """A section of the specification, where it is at hand."""
    file = SHARED / "spec" / "train-package.md"
    if not file.is_file():
        pytest.skip("the specification is needed, and ../shared/spec is absent")
    return re.split(r"^## ", file.read_text(), flags=re.MULTILINE)[section]


def numbers(cell: str) -> set[int]:
    """Of "1-3, 5" the numbers 1, 2, 3 and 5."""
    covered: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", cell):
        covered |= set(range(int(first), int(last or first) + 1))
    return covered


def test_every_paragraph_of_the_document_stands_in_a_row() -> None:
    covered = set().union(*(numbers(row.get("paragraphs", "")) for row in ROWS))
    assert covered == set(range(1, len(document()) + 1))


def test_no_sentence_of_the_document_is_repeated() -> None:
    """Eight words in a row would be a quotation."""

    def words(text: str) -> list[str]:
        return re.findall(r"\w+", text.lower())

    ours = " ".join(words(TEXT))
    theirs = words(" ".join(document()))
    runs = {" ".join(theirs[start : start + 8]) for start in range(len(theirs) - 7)}
    assert [run for run in runs if run in ours] == []


def test_every_name_of_the_interface_is_mentioned() -> None:
    named = re.findall(r"`(?:class )?([\w.]+)", specification(1))
    wanted = {part for name in named for part in name.split(".") if part.isidentifier()}
    assert len(wanted) > 60
    assert missing(wanted, TEXT) == []


def missing(wanted: set[str], text: str) -> list[str]:
    mentioned = set(re.findall(r"-*\w+(?:-\w+)*", text)) | set(re.findall(r"\w+", text))
    return sorted(wanted - mentioned)


def promises(letter: str) -> str:
    return " ".join(row["promise"] for row in ROWS if row["id"].startswith(letter))


def test_every_option_of_the_command_line_is_mentioned() -> None:
    table = [line.split("|")[1] for line in specification(2).splitlines() if line.startswith("| `")]
    wanted = {word for cell in table for word in re.findall(r"(?<![\w-])-{1,2}[\w-]+", cell)}
    assert {"--input-A", "-LF", "-X"} <= wanted
    assert len(wanted) > 60
    assert missing(wanted, promises("C")) == []


def test_every_option_of_the_file_is_mentioned() -> None:
    options, _, _ = specification(3).partition("The file:")
    plain = re.sub(r"\{[^}]*\}|\([^)]*\)", "", options.partition("\n")[2], flags=re.DOTALL)
    parts = re.split(r"[;,]|\. |\.$", re.sub(r"`?\[[\w.]+\]`?", ";", plain), flags=re.MULTILINE)
    wanted = {part.split()[0] for part in parts if part.split()} - {"C"}
    assert {"centering", "eye_multiplier", "mouth_multiplier", "lowmem"} <= wanted
    assert len(wanted) > 30
    assert missing(wanted, promises("O")) == []


def test_every_fault_of_the_period_has_a_row() -> None:
    faults = specification(7).partition("\n")[2].split(";")
    ours = [row["promise"] for row in ROWS if row["id"].startswith("X")]
    assert len(ours) == len(faults)
    for theirs, promise in zip(faults, ours, strict=True):
        shared = set(re.findall(r"\w{4,}", theirs)) & set(re.findall(r"\w{4,}", promise))
        assert len(shared) >= 2, (theirs, promise)
