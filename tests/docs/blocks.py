"""The code blocks of the pages, as tests need them.

What is to be done with a block stands in an HTML comment right before it, which no reader sees:
``<!-- file: NAME -->``, the block is this file; ``<!-- not run: WHY -->``, its commands can't be
run in a test. A block of ``text`` right after commands is what they print, ``...`` standing for
anything.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("markdown_it", reason="the extra 'docs' is not installed")
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
_COMMENT = re.compile(r"<!-- (file|not run): (.+?) -->\s*$")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes
    ----------
    language
        What stands behind its fence; None for a block that is only indented.
    text
        What is in it.
    file
        The file that it is, if any.
    why_not
        Why its commands are not run, if they are not.
    line
        Its line in the page, from 1.
    """

    language: str | None
    text: str
    file: str = ""
    why_not: str = ""
    line: int = 0

    @property
    def is_commands(self) -> bool:
        return self.language in ("bash", "powershell")


def blocks(text: str) -> Iterator[Block]:
    """All blocks of a page, in order."""
    comment = ("", "")
    for token in MarkdownIt().parse(text):
        if token.type == "html_block":
            found = _COMMENT.match(token.content)
            comment = found.group(1, 2) if found else ("", "")
            continue
        if token.type in ("fence", "code_block") and token.map:
            yield Block(
                token.info.strip() if token.type == "fence" else None,
                token.content,
                file=comment[1] if comment[0] == "file" else "",
                why_not=comment[1] if comment[0] == "not run" else "",
                line=token.map[0] + 1,
            )
        comment = ("", "")


def blocks_of(page: Path) -> list[Block]:
    return list(blocks(page.read_text(encoding="utf-8")))


def calls(block: Block) -> Iterator[list[str]]:
    """Words of each call of ``faceswap`` in a block, those behind other commands included."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if re.search(r"(^|\s)faceswap\s", line):
            words = shlex.split(line, comments=True)
            yield words[words.index("faceswap") + 1 :]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()
