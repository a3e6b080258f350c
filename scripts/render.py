"""``faceswap render``: faces of a person who does not exist, with landmarks that are exact."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from lib.synthetic.dataset import write_faces
from lib.synthetic.parameters import Identity, Light, Shot
from lib.synthetic.performance import performance
from scripts.command import Command

logger = logging.getLogger(__name__)


class Render(Command):
    """The render command."""

    def process(self) -> None:
        """Write the faces.

        Raises
        ------
        FaceswapError
            The folder can't be written to.
        """
        self.log()
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
