"""What the tutorial says of its model is so; its commands run in `test_commands`."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "tutorial-model-plugin.md").read_text()
MODEL, OPTIONS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_the_model_is_of_about_thirty_lines() -> None:
    lines = [line for line in MODEL.splitlines() if line.strip()]
    assert 25 <= len(lines) <= 35


def test_the_options_are_written_to_the_file_and_checked(tmp_path: Path) -> None:
    folder = tmp_path / "my_models"
    folder.mkdir()
    (folder / "small.py").write_text(f"{MODEL}\n{OPTIONS}")
    ini = tmp_path / "train.ini"
    ini.write_text("[model.small]\nwidth = 8\n")
    from lib.config.ini import load
    from lib.errors import FaceswapError
    from plugins.loader import option_sections

    sections = option_sections(str(folder))
    with pytest.raises(
        FaceswapError, match=r"line 2: .*width = '8': must be a whole number from 16"
    ):
        load(ini, sections)
