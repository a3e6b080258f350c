"""Links from a page to a file outside ``docs`` become that file's name: the site has no such page.

In the source tree, where the pages are read too, they lead there.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?:\.\./)+[^)#]+)(?:#[^)]*)?\)")


def without_outward(text: str, page: Path, docs: Path) -> str:
    """Put names in the place of links that lead out of the documentation.

    Parameters
    ----------
    text
        Markdown.
    page
        The file that the text is of.
    docs
        Folder of the documentation.

    Returns
    -------
    str
        The same text; a link is now its words, followed by the path from the root of the source
        tree unless the words are the path's last part.
    """

    def name(link: re.Match[str]) -> str:
        words, target = link.groups()
        path = (page.parent / target).resolve()
        if path.is_relative_to(docs):
            return link.group()
        written = f"`{path.relative_to(docs.parent)}`"
        return written if words.strip("`") in written else f"{words} ({written})"

    return _LINK.sub(name, text)


def _read(app: Sphinx, docname: str, source: list[str]) -> None:
    page = Path(app.env.doc2path(docname))
    if page.suffix == ".md":
        source[0] = without_outward(source[0], page.resolve(), Path(app.srcdir).resolve())


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the rewriting."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True}
