"""Front door: the ``faceswap`` command and the version."""

__version__ = "0.1.0"
