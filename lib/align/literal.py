"""Python literals from files that nobody vouches for."""

import ast
import re
from typing import Any

_DEEPEST_NESTING = 8
_TOKEN = re.compile(
    r"""(?P<space>\s++)|(?P<comma>[,:])|(?P<open>[\[({])|(?P<close>[\])}])
    |(?P<value>b?'(?:[^'\\]|\\[\\'"nrtxuU])*+'|b?"(?:[^"\\]|\\[\\'"nrtxuU])*+"
    |-?\d[\d.]*+(?:e[-+]?\d++)?|None|True|False)""",
    re.VERBOSE,
)


def parse_literal(text: str) -> Any:
    """Parse a literal made of brackets, strings, numbers, None, True and False alone.

    Python's parser can exhaust the stack on hostile text. A value that only ever follows an
    opening bracket, a comma or a colon cannot form a chain of operators or calls, and with that
    the depth of the brackets, at most 8, bounds the depth of the parse.

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
        The text is anything else.
    """
    _check_tokens(text)
    try:
        return ast.literal_eval(text)
    except (TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError("not a Python literal") from error


def _check_tokens(text: str) -> None:
    position, depth, value_may_follow = 0, 0, True
    while position < len(text):
        token = _TOKEN.match(text, position)
        kind = token.lastgroup if token else None
        if token is None or (kind in ("value", "open") and not value_may_follow):
            raise ValueError(f"not a Python literal at character {position}")
        depth += (kind == "open") - (kind == "close")
        if depth > _DEEPEST_NESTING:
            raise ValueError(f"nested more than {_DEEPEST_NESTING} deep")
        if kind != "space":
            value_may_follow = kind in ("comma", "open")
        position = token.end()
