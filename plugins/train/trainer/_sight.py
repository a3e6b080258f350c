"""What a run shows: previews of random faces, and a time-lapse of always the same ones."""

import logging
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.data.faceset import FaceSet
from lib.errors import FaceswapError
from lib.live.samples import write_samples
from lib.live.status import live_folder
from lib.logs.losses import LossLog
from lib.model.averaging import averaged
from lib.model.predictor import Predictor
from lib.preview.samples import Both, Samples
from lib.preview.timelapse import write_timelapse
from plugins.train.trainer._faces import Faces

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_IMAGES = 600
"""Sheets are large: logged at every save, those of a week would fill gigabytes."""


class Sight:
    """Makes the pictures of a run.

    Parameters
    ----------
    model : plugin from plugins.train.model
        It has been built.
    predictor
        The model at work.
    faces
        Those that are shown.
    options
        The trainer's options by name, and the seed.
    log
        Where a preview is logged, now and then.
    """

    def __init__(
        self,
        model: Any,
        predictor: Predictor,
        faces: Faces,
        options: Mapping[str, Any],
        log: LossLog,
    ) -> None:
        self._model = model
        self._predictor = predictor
        self._faces = faces
        self._options = options
        self._log = log
        self._samples = self._make_samples(faces.trained)
        self._timelapse: Samples | None = None
        self._image_logged = -math.inf
        self._has_failed = False

    def _make_samples(self, faces: dict[str, FaceSet]) -> Samples:
        scale = getattr(self._model.command_line_arguments, "preview_scale", 100)
        return Samples(self._predictor, faces, scale)

    def preview(self) -> NDArray[np.uint8]:
        """Make a sheet of random faces, BGR; others at every iteration."""
        count = self._options["preview_images"]
        rng = np.random.default_rng([self._options["seed"], self._model.iterations])
        indices = [rng.permutation(len(self._faces.trained[side]))[:count] for side in "ab"]
        with averaged(self._model.model):
            both = self._samples.predicted(*indices)
        sheet = self._samples.drawn(both)
        self._keep(both)
        if time.monotonic() - self._image_logged >= SECONDS_BETWEEN_IMAGES:
            self._image_logged = time.monotonic()
            self._log.add_image(self._model.iterations, "preview", sheet)
        return sheet

    def _keep(self, both: Both) -> None:
        """Give viewers the faces one by one, where the user wants to see them."""
        model, arguments = self._model, self._model.command_line_arguments
        if not (getattr(arguments, "preview", False) or getattr(arguments, "write_image", False)):
            return
        folder = live_folder(model.model_dir, model.name)
        try:
            write_samples(folder, model.iterations, self._samples.whole_faces(both))
        except FaceswapError as error:
            if not self._has_failed:
                logger.warning("Viewers see no single faces of this preview: %s", error)
            self._has_failed = True

    def write_timelapse(self, input_a: str, input_b: str, output: str) -> None:
        """Add a picture to the time-lapse.

        Parameters
        ----------
        input_a, input_b
            Folders of the faces, which are read once.
        output
            Folder of the pictures.

        Raises
        ------
        FaceswapError
            It can't be written.
        """
        if self._timelapse is None:
            folders = {"a": input_a, "b": input_b}
            faces = self._faces.load_timelapse(folders, self._options["preview_images"])
            self._timelapse = self._make_samples(faces)
        every = [np.arange(len(self._timelapse.faces[side])) for side in "ab"]
        with averaged(self._model.model):
            sheet = self._timelapse.sheet(*every)
        write_timelapse(output, sheet)
