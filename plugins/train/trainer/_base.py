"""Base class of the trainers: feeds a model, and tells how it fares."""

import logging
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lib.align.geometry import face_edge
from lib.config import ini, options
from lib.config.train import TrainerOptions
from lib.data.augment import Augmentation
from lib.data.batches import Batch, Batches, Prefetcher
from lib.data.faceset import Cut, FaceSet, load_faces
from lib.data.files import find_images
from lib.data.sides import load_side, write_report
from lib.errors import FaceswapError
from lib.logs.console import ConsoleLine
from lib.logs.losses import LossLog
from lib.logs.tensorboard import ScalarLog
from lib.model.averaging import averaged
from lib.model.compiling import loss_names
from lib.model.predictor import Predictor, side_path
from lib.preview.samples import Samples
from lib.preview.timelapse import write_timelapse
from lib.training.pace import Pace
from lib.training.step import TrainingStep
from plugins import loader

logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]

SECONDS_BETWEEN_IMAGES = 600
"""Sheets are large: logged at every save, those of a week would fill gigabytes."""


class TrainerBase:
    """Handles the feeding of faces to a model, its logs and its previews.

    All trainer plugins inherit from this class.

    Parameters
    ----------
    model : plugin from plugins.train.model
        The model to train; it has been built.
    images : dict
        Full paths of the faces of each side, ``{"a": [...], "b": [...]}``.
    batch_size : int
        Faces of each side in an iteration.
    configfile : str or None
        Path of a configuration file; None for the default ``train.ini``.

    Raises
    ------
    FaceswapError
        Too few faces are good, or an option has a wrong value.
    """

    def __init__(
        self, model: Any, images: dict[str, list[str]], batch_size: int, configfile: str | None
    ) -> None:
        self.console = ConsoleLine()
        """Where the losses are shown; the command may put its own in place."""
        self._model = model
        self._args = model.command_line_arguments
        self._batch_size = batch_size
        self._options = self._read_options(configfile)
        self._faces = self._load(images)
        self._step = TrainingStep(model.model)
        self._feed: Prefetcher | None = None
        self._predictor = Predictor(
            {side: side_path(model.model, side) for side in "ab"},
            model.coverage_ratio,
            rgb=model.color_order == "rgb",
            batch_size=model.config["convert_batchsize"],
        )
        self._samples = self._make_samples(self._faces)
        self._timelapse: Samples | None = None
        self._image_logged = -math.inf
        names = ["total", *loss_names(model.model)]
        model.state.add_session_batchsize(batch_size)
        model.state.add_session_loss_names(names)
        self._log = LossLog(names, self._scalar_log())
        self._pace = Pace(getattr(self._args, "iterations", 0))

    def _read_options(self, configfile: str | None) -> dict[str, Any]:
        plugin_dir = getattr(self._args, "plugin_dir", None)
        sections = ini.load(configfile, loader.option_sections(plugin_dir))
        wanted = options.merged([sections["trainer.original"]])
        seed = getattr(self._args, "seed", None)
        wanted["seed"] = self._model.state.config.get("seed", 0) if seed is None else seed
        changeable = options.changeable([TrainerOptions])
        restored: dict[str, Any] = self._model.state.restore_config(wanted, changeable)
        self._model.check_stored([TrainerOptions], restored)
        if not isinstance(restored["seed"], int) or restored["seed"] < 0:
            raise FaceswapError(f"seed = {restored['seed']!r}: must be a whole number from 0")
        return restored

    def _cut(self, side: str) -> Cut:
        """How side's faces are kept: the trained window at the largest size that is needed."""
        config, index = self._model.config, "ab".index(side)
        shapes = [*self._model.output_shapes[index], self._model.model.inputs[index].shape[1:]]
        window = max(shape[0] for shape in shapes)
        return Cut(
            size=face_edge(window, self._model.coverage_ratio),
            centring=config["centering"],
            mask_type=config["mask_type"],
            mask_blur_kernel=config["mask_blur_kernel"],
            mask_threshold=config["mask_threshold"],
        )

    def _load(self, images: dict[str, list[str]]) -> dict[str, FaceSet]:
        few = getattr(self._args, "allow_few", False)
        loaded = {
            side: load_side(side, images[side], self._cut(side), allow_few=few) for side in "ab"
        }
        # Only now, when both sides are good, is anything written.
        for side, (faces, bad) in loaded.items():
            report = f"{self._model.name}_left_out_{side}.txt"
            write_report(Path(self._model.model_dir) / report, bad)
            if len(faces) < self._batch_size:
                logger.info(
                    "Side %s: a batch of %d is more than its %d faces: faces repeat within a batch",
                    side.upper(),
                    self._batch_size,
                    len(faces),
                )
        return {side: faces for side, (faces, _) in loaded.items()}

    def _make_samples(self, faces: dict[str, FaceSet]) -> Samples:
        return Samples(self._predictor, faces, getattr(self._args, "preview_scale", 100))

    def _scalar_log(self) -> ScalarLog | None:
        if getattr(self._args, "no_logs", False):
            return None
        session = f"session_{self._model.state.session_id}"
        logs = Path(self._model.model_dir) / f"{self._model.name}_logs"
        return ScalarLog(logs / session / "train")

    def _make_batches(self, side: str) -> Batches:
        index = "ab".index(side)
        augmentation = Augmentation(
            zoom_amount=self._options["zoom_amount"],
            rotation_range=self._options["rotation_range"],
            shift_range=self._options["shift_range"],
            flip_chance=self._options["flip_chance"],
            color_lightness=self._options["color_lightness"],
            color_ab=self._options["color_ab"],
            color_clahe_chance=self._options["color_clahe_chance"],
            color_clahe_max_size=self._options["color_clahe_max_size"],
            flip=not getattr(self._args, "no_flip", False),
            colour=not getattr(self._args, "no_augment_color", False),
            warp=not getattr(self._args, "no_warp", False),
        )
        return Batches(
            self._faces[side],
            input_size=self._model.model.inputs[index].shape[1],
            target_sizes=[shape[0] for shape in self._model.output_shapes[index]],
            coverage=self._model.coverage_ratio,
            augmentation=augmentation,
            batch_size=self._batch_size,
            seed=self._options["seed"],
            side=side,
        )

    def _next_batches(self) -> tuple[Batch, Batch]:
        if self._feed is None:
            batches = self._make_batches("a"), self._make_batches("b")
            self._feed = Prefetcher(*batches, start=self._model.iterations - 1)
        return self._feed.next()

    def train_one_step(self, viewer: Any, timelapse_kwargs: dict[str, str] | None) -> None:
        """Train on one batch of each side, and report.

        Parameters
        ----------
        viewer : callable or None
            Shows a preview: called with a uint8 BGR sheet and its name. None but on save
            iterations.
        timelapse_kwargs : dict or None
            Folders ``input_a``, ``input_b`` and ``output`` of a time-lapse. None but on save
            iterations.

        Raises
        ------
        FaceswapError
            The loss is not a number.
        """
        self._model.state.increment_iterations()
        losses = self._train_on_batch()
        self._pace.count()
        self._log.add(self._model.iterations, losses)
        self._model.add_history(list(losses.reshape(2, -1).sum(dim=1)))
        if self._log.is_due or viewer or timelapse_kwargs:
            self._report()
        if self._is_snapshot_due():
            self._snapshot()
        if viewer:
            self.show_preview(viewer)
        if timelapse_kwargs:
            self._write_timelapse(**timelapse_kwargs)

    def _train_on_batch(self) -> Tensor:
        batch_a, batch_b = self._next_batches()
        feeds = [self._ordered(batch.feed) for batch in (batch_a, batch_b)]
        targets = [self._ordered(t) for batch in (batch_a, batch_b) for t in batch.targets]
        return self._step(feeds, targets)

    def _ordered(self, pixels: Pixels) -> Pixels:
        if self._model.color_order == "bgr":
            return pixels
        return np.concatenate([pixels[..., 2::-1], pixels[..., 3:]], axis=-1)

    def _report(self) -> None:
        """Read the losses back, the one wait for the device, log them and show the newest."""
        loss_a, loss_b = self._log.flush()
        if self._model.config["nan_protection"] and not np.isfinite([loss_a, loss_b]).all():
            raise FaceswapError(
                f"the loss is not a number at iteration {self._model.iterations} "
                f"(A: {loss_a}, B: {loss_b}): the model as last saved is whole; resume with a "
                "lower learning_rate"
            )
        pace = self._pace.tell(self._feed.waited if self._feed else 0)
        self.console.update(self._model.iterations, loss_a, loss_b, pace)

    def _is_snapshot_due(self) -> bool:
        interval = getattr(self._args, "snapshot_interval", 0)
        done = self._model.iterations - 1
        return bool(interval) and done > 0 and done % interval == 0

    def _snapshot(self) -> None:
        try:
            self._model.snapshot()
        except FaceswapError as error:
            logger.warning("%s: training goes on", error)

    def show_preview(self, viewer: Any) -> None:
        """Make a preview of random faces and show it.

        Parameters
        ----------
        viewer : callable
            Called with a uint8 BGR sheet and its name.
        """
        count = self._options["preview_images"]
        rng = np.random.default_rng([self._options["seed"], self._model.iterations])
        indices = [rng.permutation(len(self._faces[side]))[:count] for side in "ab"]
        with averaged(self._model.model):
            sheet = self._samples.sheet(*indices)
        if time.monotonic() - self._image_logged >= SECONDS_BETWEEN_IMAGES:
            self._image_logged = time.monotonic()
            self._log.add_image(self._model.iterations, "preview", sheet)
        viewer(sheet, f"{self._model.name} - iteration {self._model.iterations}")

    def _write_timelapse(self, input_a: str, input_b: str, output: str) -> None:
        if self._timelapse is None:
            self._timelapse = self._load_timelapse({"a": input_a, "b": input_b})
        every = [np.arange(len(self._timelapse.faces[side])) for side in "ab"]
        with averaged(self._model.model):
            sheet = self._timelapse.sheet(*every)
        try:
            write_timelapse(output, sheet)
        except FaceswapError as error:
            logger.warning("%s: training goes on", error)

    def _load_timelapse(self, folders: dict[str, str]) -> Samples:
        """The first faces by name, the same at every time-lapse, so that the pictures line up."""
        count = self._options["preview_images"]
        faces = {}
        for side, folder in folders.items():
            paths = find_images(folder)[:count]
            faces[side], bad = load_faces(paths, self._cut(side), f"Time-lapse {side.upper()}")
            if not len(faces[side]):
                raise FaceswapError(f"no face in '{folder}' can be used: {bad[0]}")
        return self._make_samples(faces)

    def clear_tensorboard(self) -> None:
        """Stop logging to TensorBoard; called once training has ended."""
        self._log.close()

    def close(self) -> None:
        """End the thread that makes batches, and close the log."""
        if self._feed is not None:
            self._feed.close()
        self.clear_tensorboard()
