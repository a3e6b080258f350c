"""What every treatment of enlarged faces is."""

from abc import ABC, abstractmethod

from lib.convert.swap import Floats


class ScalingBase(ABC):
    """Readies a face for being enlarged.

    It works in the window rather than on the enlarged face: there a length is the same share of the
    face in every frame, near or far, and work does not grow with the frame.

    A plugin's file defines a class ``Scaling`` that inherits from this one. One that has
    ``Options`` takes them as its only argument, and None for the defaults.
    """

    @abstractmethod
    def __call__(self, face: Floats) -> Floats:
        """Treat a face.

        Parameters
        ----------
        face
            ``(n, n, 3)``, BGR, 0..1; it stays as it is.

        Returns
        -------
        Floats
            The like.
        """
