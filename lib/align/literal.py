"""Python literals from files that nobody vouches for."""

import ast
import re
import threading
from typing import Any, Final

DEEPEST_NESTING: Final = 8
"""How deep brackets may be nested."""

MOST_VALUES: Final = 1 << 15
"""How many values and brackets there may be: a face has a few hundred, and parsing takes time and
memory for each."""

# Before 3.11.8 and 3.12.2 Python counts the depth of its parser for all threads together, and
# raises SystemError when two of them parse at once.
_ONE_AT_A_TIME = threading.Lock()
_ATOM = re.compile(
    r"""'(?:[^'\\]|\\[\\'"nrtxuU])*+'|"(?:[^"\\]|\\[\\'"nrtxuU])*+"
    |b'(?:[^'\\]|\\[\\'"nrtx])*+'|b"(?:[^"\\]|\\[\\'"nrtx])*+"
    |-?\d[\d.]*+(?:e[-+]?\d++)?|None|True|False""",
    re.VERBOSE,
)
_SKELETON = re.compile(r"[\s\[\](){},:0]*+")
_CHAIN = re.compile(r"[0\])}]\s*+[0\[({]")
_INNERMOST = re.compile(r"[\[({][^\[\](){}]*+[\])}]")


def parse_literal(text: str) -> Any:
    """Parse a literal made of brackets, strings, numbers, None, True and False alone.

    Python's parser can exhaust the stack on hostile text, so that is looked through first. Where
    no value or opening bracket follows straight on a value or a closing bracket there can be no
    chain of operators or calls, and the depth of the brackets bounds the depth of the parse.

    Parameters
    ----------
    text
        As `repr` writes it. The caller bounds its length.

    Returns
    -------
    Any
        The value.

    Raises
    ------
    ValueError
        The text is anything else, nested deeper than `DEEPEST_NESTING`, or of more than
        `MOST_VALUES`.
    """
    skeleton = _ATOM.sub("0", text)
    if not _SKELETON.fullmatch(skeleton) or _CHAIN.search(skeleton):
        raise ValueError("not a Python literal")
    if sum(map(skeleton.count, "0[({")) > MOST_VALUES:
        raise ValueError(f"more than {MOST_VALUES} values")
    for _ in range(DEEPEST_NESTING):
        skeleton = _INNERMOST.sub("0", skeleton)
    if _INNERMOST.search(skeleton):
        raise ValueError(f"nested more than {DEEPEST_NESTING} deep")
    try:
        with _ONE_AT_A_TIME:
            return ast.literal_eval(text)
    except (TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError("not a Python literal") from error
