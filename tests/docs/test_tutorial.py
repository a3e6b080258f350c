"""What the tutorial says works, word for word."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "tutorial-model-plugin.md").read_text()
MODEL, OPTIONS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
]


def run(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, shell=True, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True
    )
    assert done.returncode == 0, (command, done.stderr.decode())
    return done.stdout.decode()


@pytest.mark.slow
def test_the_commands_work_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "my_models").mkdir()
    (tmp_path / "my_models" / "small.py").write_text(MODEL)
    said = "\n".join(run(command, tmp_path) for command in COMMANDS)
    assert "'small' keeps every promise" in said
    assert re.search(r"^small +32 px +32 px +[\d,]+ +.*small\.py$", said, re.MULTILINE)
    assert (tmp_path / "models" / "small" / "small.keras").is_file()
    assert (tmp_path / "models" / "small" / "training_preview.png").is_file()


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
