"""Every block of commands on every page runs, in the order of its page."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from scripts.arguments import make_parser
from tests.docs.blocks import PAGES, Block, blocks, blocks_of, calls, name_of

NOT_RUN = {
    "README.md": 5,
    "docs/colab-and-containers.md": 4,
    "docs/distributed.md": 1,
    "docs/guide.md": 2,
    "docs/install.md": 4,
}
"""How many blocks of a page are not run; each says why. More need a change here."""
RUN = [page for page in PAGES if any(b.is_commands and not b.why_not for b in blocks_of(page))]


def environment(home: Path) -> dict[str, str]:
    """This one, with the program found first, and nothing of the user's."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HOME": str(home), "XDG_CONFIG_HOME": str(home)}


def run(block: Block, folder: Path, home: Path) -> str:
    """What the commands of a block print."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=folder,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert done.returncode == 0, f"line {block.line}: {block.text}\n{done.stdout}"
    return done.stdout


def check_said(block: Block, said: str) -> None:
    """Hold what commands print against a block that shows it."""
    wanted = re.escape(block.text.strip()).replace(re.escape("..."), ".*")
    assert re.search(wanted, said, re.DOTALL), f"line {block.line}: {block.text}\n{said}"


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_the_commands_of_a_page_run_in_their_order(page: Path, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    said = ""
    for block in blocks_of(page):
        if block.file:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.is_commands:
            said = "" if block.why_not else run(block, folder, home)
        elif block.language == "text" and said:
            check_said(block, said)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_call_is_one_that_the_program_takes(page: Path) -> None:
    """Those of blocks that are not run too: an option that is renamed is noticed everywhere."""
    for block in blocks_of(page):
        if block.is_commands or block.language is None:
            for words in calls(block):
                try:
                    make_parser("0").parse_args(words)
                except SystemExit as leave:
                    assert leave.code == 0, f"line {block.line}: faceswap {' '.join(words)}"  # noqa: PT017


def test_what_is_not_run_is_counted_and_says_why() -> None:
    found = {name_of(page): [block for block in blocks_of(page) if block.why_not] for page in PAGES}
    told = [f"{page}:{b.line}: {b.why_not}" for page, left in found.items() for b in left]
    counted = Counter({page: len(left) for page, left in found.items() if left})
    assert counted == NOT_RUN, "\n".join(told)
    assert all(block.is_commands for left in found.values() for block in left)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_block_of_commands_escapes_for_want_of_a_name(page: Path) -> None:
    for block in blocks_of(page):
        assert block.language not in (None, "sh", "shell", "console"), (
            f"line {block.line}: name it bash"
        )
        is_shown = block.is_commands or block.language == "text"  # text is what commands print
        assert is_shown or block.file or not list(calls(block)), f"line {block.line}: name it bash"


PAGE = """\
```bash
faceswap doctor
```
```text
ok ... done
```
<!-- file: a/b.py -->
```python
print(1)
```
<!-- not run: no GPU -->
```bash
OMP_NUM_THREADS=1 faceswap train -A one \\
  -B other  # faceswap
```
words

    faceswap plugins
"""


def test_blocks_are_read_with_what_is_said_of_them() -> None:
    first, shown, file, left, bare = blocks(PAGE)
    assert (first.is_commands, first.why_not, first.line) == (True, "", 1)
    assert (shown.language, file.file, file.text) == ("text", "a/b.py", "print(1)\n")
    assert (left.why_not, bare.language) == ("no GPU", None)
    assert list(calls(left)) == [["train", "-A", "one", "-B", "other"]]
    assert list(calls(bare)) == [["plugins"]]


def test_a_command_that_fails_or_says_something_else_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="line 7"):
        run(Block("bash", "false\necho on\n", line=7), tmp_path, tmp_path)
    said = run(Block("bash", "echo one; echo two\n"), tmp_path, tmp_path)
    check_said(Block("text", "one\n...\n"), said)
    with pytest.raises(AssertionError, match="three"):
        check_said(Block("text", "one\nthree\n"), said)
