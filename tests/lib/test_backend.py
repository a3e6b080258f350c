"""Keras runs on torch in our format, whatever the user's configuration says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import lib.model, keras
print(keras.backend.backend(), keras.config.image_data_format(), keras.config.floatx())
"""


def test_the_users_keras_json_does_not_count(tmp_path: Path) -> None:
    chosen = {"backend": "jax", "image_data_format": "channels_first", "floatx": "float16"}
    (tmp_path / "keras.json").write_text(json.dumps(chosen))
    result = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == ["torch", "channels_last", "float32"]


@pytest.mark.parametrize("package", ["lib", "plugins", "scripts"])
def test_whichever_package_comes_first_names_the_backend(package: str) -> None:
    code = f"import os, sys, {package}; print(os.environ['KERAS_BACKEND'], 'keras' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == ["torch", "False"]


def test_keras_is_imported_without_matplotlib_which_others_may_still_import() -> None:
    code = "import lib, keras, sys; print('matplotlib' in sys.modules); import matplotlib.pyplot"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["False"]
