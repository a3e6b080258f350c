"""The files of all options in the docs are those that the program writes."""

from pathlib import Path

from lib.config.convert import CONVERT
from lib.config.ini import render
from plugins.loader import convert_sections, option_sections

DOCS = Path(__file__).parents[2] / "docs"


def test_the_file_holds_every_option_with_its_help_and_default() -> None:
    """To renew it: ``faceswap train ...`` once without ``-C``, and copy what it writes."""
    assert (DOCS / "train.ini").read_text(encoding="utf-8") == render(option_sections())


def test_the_file_of_convert_does_too() -> None:
    """To renew it: ``faceswap convert ...`` once without ``-C``, and copy what it writes."""
    expected = render(convert_sections(), kind=CONVERT)
    assert (DOCS / "convert.ini").read_text(encoding="utf-8") == expected
