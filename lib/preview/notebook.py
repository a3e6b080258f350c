"""Previews in a notebook: one picture below the cell, renewed in place."""

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.media.mark import encode_picture


class NotebookViewer:
    """Shows preview sheets in the cell that runs; a viewer for ``TrainerBase.train_one_step``.

    Needs IPython, which runs every notebook.
    """

    def __init__(self) -> None:
        self._shown: Any = None

    def __call__(self, image: NDArray[np.uint8], name: str) -> None:
        """Show a sheet in the place of the one before.

        Parameters
        ----------
        image
            Contact sheet, ``(height, width, 3)`` uint8 BGR.
        name
            What it shows.
        """
        shell: Any = importlib.import_module("IPython.display")  # nothing else needs it
        # With the mark, because the picture stays in the notebook's file.
        sheet = shell.Image(encode_picture(image, ".png"), alt=name)
        if self._shown is None:
            self._shown = shell.display(sheet, display_id=True)
        else:
            self._shown.update(sheet)
