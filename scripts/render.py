"""``faceswap render``: faces of a person who does not exist, with landmarks that are exact."""

import logging
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np

from lib.logs.console import ConsoleLine, LineAwareHandler
from lib.logs.setup import configure
from lib.synthetic.dataset import write_faces
from lib.synthetic.parameters import Identity, Light, Shot
from lib.synthetic.performance import performance

logger = logging.getLogger(__name__)


class Render:
    """The render command.

    Parameters
    ----------
    arguments : argparse.Namespace
        The command's options.
    """

    def __init__(self, arguments: Namespace) -> None:
        self._args = arguments

    def process(self) -> None:
        """Write the faces.

        Raises
        ------
        FaceswapError
            The folder can't be written to.
        """
        configure(self._args.loglevel, self._args.logfile, LineAwareHandler(ConsoleLine()))
        identity = Identity.random(np.random.default_rng(self._args.identity))
        light = self._light()
        rng = np.random.default_rng(self._args.performance)
        shots = [replace(shot, light=light) for shot in performance(rng, self._args.count)]
        prefix = f"person{self._args.identity}"
        write_faces(Path(self._args.output), identity, shots, prefix, label=f"Rendering {prefix}")
        logger.info(
            "%d faces of person %d in %s", len(shots), self._args.identity, self._args.output
        )

    def _light(self) -> Light:
        """The light of this number; 0 is an even one from the front."""
        number = self._args.light
        return Shot.random(np.random.default_rng(number)).light if number else Light()
