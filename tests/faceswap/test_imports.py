"""Heavy packages are imported where they are used, and nowhere else."""

import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[1] / "fixtures" / "plugins"


def imported(words: list[str]) -> set[str]:
    """Modules that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "faceswap", *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


COMMANDS = ("train", "page", "status", "control", "runs")


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], *([command, "--help"] for command in COMMANDS)]
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    modules = imported(words)
    assert "argparse" in modules
    assert not modules & {
        "torch",
        "keras",
        "cv2",
        "numpy",
        "PIL",
        "tensorboardX",
        "nicegui",
        "rich",
    }


def test_training_imports_no_more_than_it_needs(rendered: dict[str, Path], tmp_path: Path) -> None:
    modules = imported(
        [
            *("train", "-A", str(rendered["a"]), "-B", str(rendered["b"]), "-m", str(tmp_path)),
            *("-t", "tiny", "--plugin-dir", str(PLUGINS), "-i", "1", "-b", "2"),
        ]
    )
    assert {"cv2", "keras", "torch"} <= modules
    others = {
        "matplotlib.figure",
        "scipy.interpolate",
        "scipy.spatial",
        "lib.synthetic",
        "lib.evaluation.truth",
    }
    assert not modules & others
