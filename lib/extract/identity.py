"""Tells people apart by their faces.

The network is Davis King's residual network of 29 layers, trained to keep pictures of one person
within a distance of 0.6 of each other and those of two people further apart (D. King, 2017,
"High quality face recognition with deep metric learning", blog.dlib.net). dlib runs it.
"""

from importlib import import_module
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lib.errors import FaceswapError
from lib.extract.face import Face
from lib.extract.weights import FACE_IDENTITY

Floats = NDArray[np.float64]

ALIKE: Final = 0.6
"""Two faces nearer to each other than this are of one person."""


class Identity:
    """Makes a vector of a face that is near to those of the same person.

    Raises
    ------
    FaceswapError
        dlib or the weights are not installed.
    """

    def __init__(self) -> None:
        path = FACE_IDENTITY.path()
        try:
            self._dlib: Any = import_module("dlib")
        except ImportError as error:
            raise FaceswapError(
                f"people can't be told apart without dlib: run '{FACE_IDENTITY.install}'"
            ) from error
        self._network = self._dlib.face_recognition_model_v1(str(path))

    def __call__(self, image: NDArray[np.uint8], face: Face) -> Floats:
        """Make a face's vector.

        Parameters
        ----------
        image
            The frame, ``(height, width, 3)``, BGR.
        face
            A face in it.

        Returns
        -------
        Floats
            ``(128,)``; compare with others by Euclidean distance, see `ALIKE`.
        """
        x, y, w, h = face.box
        points = [self._dlib.point(*each) for each in np.rint(face.landmarks).astype(int).tolist()]
        shape = self._dlib.full_object_detection(self._dlib.rectangle(x, y, x + w, y + h), points)
        rgb = np.ascontiguousarray(image[..., ::-1])
        return np.array(self._network.compute_face_descriptor(rgb, shape), np.float64)
