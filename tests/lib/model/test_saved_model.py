"""A saved model opens in a program that knows no more than the README says."""

import subprocess
import sys
from argparse import Namespace
from pathlib import Path

from plugins import loader

PLUGINS = Path(__file__).parents[2] / "fixtures" / "plugins"
CODE = """
import sys
import lib.model.nn_blocks
import keras
model = keras.saving.load_model(sys.argv[1], compile=False)
print(model.name, len(model.outputs))
"""


def test_keras_opens_it_once_the_blocks_are_imported(tmp_path: Path) -> None:
    arguments = Namespace(configfile=None, plugin_dir=str(PLUGINS))
    model = loader.load_model("tiny", str(PLUGINS))(str(tmp_path), arguments)
    model.build()
    model.save()
    result = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "tiny.keras")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == ["tiny", "2"]
