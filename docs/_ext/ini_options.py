"""Draws every option of train.ini or convert.ini from the dataclasses that declare it."""

import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping

from docutils.nodes import Node
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.rst import escape

from lib.config.options import Option, Options, allowed, fields_of, to_text
from plugins.loader import convert_sections, option_sections

Schema = Mapping[str, type[Options]]
FILES: Mapping[str, Callable[[], Schema]] = {
    "train": option_sections,
    "convert": convert_sections,
}


def page(schema: Schema) -> str:
    """Describe every option of a file.

    Parameters
    ----------
    schema
        The file's sections with their options.

    Returns
    -------
    str
        reStructuredText: a heading a section, a definition an option.
    """
    return "\n".join(line for name, cls in schema.items() for line in _section(name, cls))


def _section(name: str, cls: type[Options]) -> Iterator[str]:
    title = f"[{name}]"
    yield from (title, "-" * len(title), "")
    yield from (escape(inspect.cleandoc(cls.__doc__ or "")), "")
    for option in fields_of(cls):
        yield from (f"``{option.name}``", textwrap.indent(_text(option), "    "), "")


def _text(option: Option) -> str:
    values = allowed(option)
    facts = f"{values[0].upper()}{values[1:]}. Default: {to_text(option.default) or 'empty'}."
    change = " May change on resume." if option.changeable else ""
    return f"{escape(inspect.cleandoc(option.help))}\n\n*{escape(facts + change)}*"


class IniOptions(SphinxDirective):
    """``.. ini-options:: train`` or ``convert``: all options of that file."""

    required_arguments = 1

    def run(self) -> list[Node]:
        """Parse the file's page in place, anew at every build."""
        self.env.note_reread()
        schema = FILES[self.arguments[0]]()
        return self.parse_text_to_nodes(page(schema), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("ini-options", IniOptions)
    return {"parallel_read_safe": True}
