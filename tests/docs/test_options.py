"""The file of all options in the docs is the one that the program writes."""

from pathlib import Path

from lib.config.ini import render
from plugins.loader import option_sections

FILE = Path(__file__).parents[2] / "docs" / "train.ini"


def test_the_file_holds_every_option_with_its_help_and_default() -> None:
    """To renew it: ``faceswap train ...`` once without ``-C``, and copy what it writes."""
    assert FILE.read_text(encoding="utf-8") == render(option_sections())
