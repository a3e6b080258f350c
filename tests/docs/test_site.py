"""The documentation builds without a warning, and holds what it is to hold."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lib.config.options import fields_of
from plugins.loader import convert_sections, option_sections
from scripts.arguments import COMMANDS, make_parser
from tests.contract.test_documented_api import NAMES, PROPERTIES

ROOT = Path(__file__).parents[2]
pytest.importorskip("sphinx", reason="the extra 'docs' is not installed")

ATTRIBUTES = {
    "plugins.train.model._base:ModelBase": "input_shape trainer color_order",
    "plugins.train.model._base:State": "lowest_avg_loss",
}


class Page(HTMLParser):
    """Words, anchors and links of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.words = ""
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built where nothing can be fetched: a proxy that is none takes all requests."""
    out = tmp_path_factory.mktemp("site")
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", str(out / "doctrees"), str(ROOT / "docs"), str(out / "html")],
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return out / "html"


@pytest.mark.slow
def test_every_documented_name_has_its_place(site: Path) -> None:
    anchors = {a for name in ("train", "blocks") for a in Page(site / f"api/{name}.html").anchors}
    members = [
        f"{owner}.{name}"
        for table in (PROPERTIES, ATTRIBUTES)
        for owner, names in table.items()
        for name in names.split()
    ]
    wanted = {name.replace(":", ".") for name in [*NAMES, *members]}
    assert len(wanted) > 50
    assert sorted(wanted - anchors) == []


@pytest.mark.slow
def test_every_option_stands_on_its_page(site: Path) -> None:
    words = Page(site / "reference" / "commands.html").words
    parser = make_parser()
    (commands,) = (action for action in parser._actions if action.dest == "command")
    assert isinstance(commands.choices, dict)
    assert commands.choices.keys() == COMMANDS.keys()
    for command in commands.choices.values():
        for action in command._actions:
            if action.dest != "help":
                assert ", ".join(action.option_strings) in words
    for name, schema in (("train", option_sections()), ("convert", convert_sections())):
        page = Page(site / "reference" / f"{name}-ini.html").words
        for section, cls in schema.items():
            assert f"[{section}]" in page
            for option in fields_of(cls):
                assert f"{option.name}{option.help}" in page


@pytest.mark.slow
def test_no_link_within_the_site_is_broken_and_no_file_comes_from_elsewhere(site: Path) -> None:
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    assert len(pages) > 25
    for path, page in pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            if re.match(r"\w+:|//", link):
                assert not re.search(r"\.(css|js|woff2?|png|jpg|svg)$", target), link
                continue
            there = (path.parent / target.partition("?")[0]).resolve() if target else path
            assert there.exists(), f"{path.name}: {link}"
            if anchor and there in pages:
                assert anchor in pages[there].anchors, f"{path.name}: {link}"
