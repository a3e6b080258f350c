"""What the site's own extensions make of options and links."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from lib.config.options import Options, option

pytest.importorskip("sphinx", reason="the extra 'docs' is not installed")
from docutils import nodes
from docutils.core import publish_doctree

ROOT = Path(__file__).parents[2]


def extension(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "_ext" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, kw_only=True)
class Small(Options):
    """Options of *stars* and `ticks`."""

    rate: float = option(0.5, "How fast.", minimum=0, maximum=1, changeable=True)
    kind: str | None = option(None, "Which a_ or b_.", choices=("a", "b"))


def test_an_option_is_a_definition_with_its_values_and_default() -> None:
    text = extension("ini_options").page({"model.small": Small})
    page = publish_doctree(text, settings_overrides={"report_level": 1, "halt_level": 2})
    title, subtitle = "[model.small]", "Options of *stars* and `ticks`."
    assert page.astext().startswith(f"{title}\n\n{subtitle}")
    told = {
        item.children[0].astext(): item.children[-1].astext()
        for item in page.findall(nodes.definition_list_item)
    }
    assert told == {
        "rate": "How fast.\n\nA number from 0 to 1. Default: 0.5. May change on resume.",
        "kind": "Which a_ or b_.\n\nOne of: a, b, none. Default: none.",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see [experiments](experiments.md)", "see [experiments](experiments.md)"),
        ("[up](../docs/a.md)", "[up](../docs/a.md)"),
        ("[README](../README.md)", "`README.md`"),
        ("[`x.py`](../plugins/x.py)", "`plugins/x.py`"),
        ("the [curves](../benchmarks/curves)", "the `benchmarks/curves`"),
        ("the [program](../lib/a.py#L7)", "the program (`lib/a.py`)"),
        ("![seen](../a.png)", "![seen](../a.png)"),
        ("[web](https://a.b/../c)", "[web](https://a.b/../c)"),
    ],
)
def test_a_link_out_of_the_pages_becomes_a_name(text: str, expected: str, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    rewritten = extension("outward_links").without_outward(text, docs / "page.md", docs)
    assert rewritten == expected
