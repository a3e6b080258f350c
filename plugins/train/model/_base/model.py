"""Base class of the model plugins: options, building, losses, saving."""

import inspect
import logging
import math
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch

from lib.checkpoint import random_state
from lib.checkpoint.copies import copy_values
from lib.checkpoint.generations import Generation
from lib.checkpoint.saver import Saver
from lib.checkpoint.state_file import StateFile
from lib.checkpoint.store import ModelStore
from lib.config import ini, options, sections
from lib.errors import FaceswapError
from lib.logs.levels import VERBOSE
from lib.model.averaging import take_average
from lib.model.compiling import compile_model
from lib.model.predictor import side_path
from lib.model.transfer import find_source, transfer
from plugins import loader
from plugins.train.model._base.checks import check_model, check_options, check_shapes
from plugins.train.model._base.state import State

logger = logging.getLogger(__name__)

Shape = tuple[int, int, int]


class ModelBase:
    """Base class that every model plugin inherits from.

    A plugin sets `input_shape` in its ``__init__`` and overrides `build_model`; see
    `plugins.train.model.original` for an annotated example.

    Parameters
    ----------
    model_dir : str
        Full path of the folder where the model is kept.
    arguments : argparse.Namespace
        Arguments of the train or convert command.
    predict : bool, optional
        Whether the model is loaded for inference rather than for training.

    Raises
    ------
    FaceswapError
        The folder holds another plugin's model; an option has a wrong value; options contradict
        each other; the state file is damaged.
    """

    def __init__(self, model_dir: str, arguments: Namespace, predict: bool = False) -> None:
        self.input_shape: Any = None
        """Shape ``(height, width, channels)`` of the faces that the model takes, or a list of two
        such shapes where side A's and side B's differ. The plugin sets it."""
        self.trainer = "original"
        """Name of the trainer plugin that trains this model."""
        self.color_order = "bgr"
        """Order of the colour channels that the model takes and gives, "bgr" or "rgb"."""
        self.load_layers = ["encoder"]
        """Names of the layers whose weights ``--load-weights`` takes from another model."""
        self.freeze_layers = ["encoder"]
        """Names of the layers whose weights ``--freeze-weights`` keeps as they are."""
        self._model_dir = os.path.abspath(model_dir)
        self._args = arguments
        self._is_predict = predict
        self._io = ModelStore(self._model_dir, self.name, getattr(arguments, "keep_saves", 3))
        self._io.check_folder()
        wanted, changeable = self._read_options()
        self._state = State(
            self._model_dir,
            self.name,
            {} if predict else {key: wanted[key] for key in changeable},
            getattr(arguments, "no_logs", False),
        )
        self._config = (
            {**wanted, **self._state.config}
            if predict
            else self._state.restore_config(wanted, changeable)
        )
        self.check_stored(self._option_classes.values(), self._config)
        check_options(self._config)
        self._restore_losses(self._state.last_run)
        self._model: keras.Model | None = None
        self._saver: Saver | None = None

    def _restore_losses(self, run: Mapping[str, Any]) -> None:
        """Go on with the losses that no save has averaged yet."""
        stored = run.get("losses", [[], []])
        try:
            history = [[float(loss) for loss in losses] for losses in stored]
        except (TypeError, ValueError):
            history = []
        if len(history) == 2:
            self._io.history = history

    @cached_property
    def _option_classes(self) -> dict[str, type]:
        """The ini sections that make up `config`, later ones before earlier ones."""
        own = getattr(sys.modules[type(self).__module__], "Options", None)
        return sections.MODEL | ({f"model.{self.name}": own} if own else {})

    def _read_options(self) -> tuple[dict[str, Any], set[str]]:
        values = ini.load(
            getattr(self._args, "configfile", None),
            loader.option_sections(getattr(self._args, "plugin_dir", None)) | self._option_classes,
        )
        merged = options.merged(values[name] for name in self._option_classes)
        return merged, options.changeable(self._option_classes.values())

    def check_stored(self, classes: Iterable[type], config: Mapping[str, Any]) -> None:
        """Check options that may come from the state file as those of the ini file are checked.

        Raises
        ------
        FaceswapError
        """
        for cls in classes:
            names = [field.name for field in options.fields_of(cls)]
            try:
                cls(**{name: config[name] for name in names})
            except FaceswapError as error:
                raise FaceswapError(
                    f"the options stored in '{self.model_dir}' can't be used: {error}"
                ) from error

    @property
    def model_dir(self) -> str:
        """Full path of the model's folder."""
        return self._model_dir

    @property
    def command_line_arguments(self) -> Namespace:
        """Arguments of the command that made this model."""
        return self._args

    @property
    def config(self) -> dict[str, Any]:
        """The plugin's options merged with the global ones, as this model is trained with them."""
        return self._config

    @cached_property
    def name(self) -> str:
        """Name of the model: the lower-case stem of the plugin's file."""
        return Path(inspect.getfile(type(self))).stem.lower()

    @property
    def coverage_ratio(self) -> float:
        """Share of a training image's edge that is cropped out and trained on.

        Pixels are always ``int(size * ratio // 2) * 2``.
        """
        return float(self.config["coverage"]) / 100

    @property
    def state(self) -> State:
        """Sessions, iterations and stored options of this model."""
        return self._state

    @property
    def iterations(self) -> int:
        """Iterations that the model has been trained for, over all sessions."""
        return self._state.iterations

    @property
    def model(self) -> keras.Model:
        """The compiled model; `build` must have been called."""
        assert self._model is not None, "build() makes the model"
        return self._model

    @property
    def output_shapes(self) -> list[list[Shape]]:
        """Shapes ``(height, width, channels)`` of side A's outputs and of side B's."""
        shapes = [tuple(output.shape[1:]) for output in self.model.outputs]
        half = len(shapes) // 2
        return [shapes[:half], shapes[half:]]

    def build(self) -> None:
        """Build the model, or load it where it was saved before.

        For training it is compiled with its optimizer and losses. For inference only the path that
        the swap needs is kept: side B's (``arguments.swap_model``: side A's), which takes the
        other side's faces and gives them its own identity.

        Raises
        ------
        FaceswapError
            The model file is damaged, `input_shape` is no shape, or there is nothing to predict
            with.
        """
        if self._io.exists:
            model = self._io.load()
            self._check_state_is_there()
            self._tell_if_not_loading()
        elif self.iterations:
            raise FaceswapError(
                f"'{self._io.path}' is missing, but its state says {self.iterations} iterations: "
                f"restore it, from '{self._io.backup.name}' where there is one, or take the state "
                "file away to begin anew"
            )
        elif self._is_predict:
            raise FaceswapError(
                f"there is no model of '{self.name}' in '{self.model_dir}': train one first"
            )
        else:
            model = self._new_model()
            self._load_weights(model)
        check_model(model, self.name)
        if self._is_predict:
            take_average(model)
            self._model = side_path(model, "a" if self._is_swapped else "b")
        else:
            self._model = compile_model(model, self.config, self.color_order)
        if logger.isEnabledFor(VERBOSE):  # Keras writes to standard output too, which may be full
            self._model.summary(print_fn=lambda line: logger.log(VERBOSE, line))

    def _check_state_is_there(self) -> None:
        if not self._state.is_stored:
            raise FaceswapError(
                f"'{self._io.path}' has lost its state file: restore "
                f"'{self.name}_state.json' beside it, from its .bk where there is one"
            )

    def _new_model(self) -> keras.Model:
        inputs = self._inputs()
        try:
            return self.build_model(inputs)
        except (FaceswapError, NotImplementedError):
            raise
        except (Exception, SystemExit) as error:
            why = str(error).strip().partition("\n")[0]
            raise FaceswapError(
                f"build_model() of '{self.name}' failed: {type(error).__name__}: {why}"
            ) from error

    def _load_weights(self, model: keras.Model) -> None:
        """Take weights from another model where ``--load-weights`` asks for it."""
        path = getattr(self._args, "load_weights", None)
        if path:
            check_model(model, self.name)
            report = transfer(model, find_source(path), self.load_layers)
            logger.info("Weights from '%s': %s", path, report)

    def _tell_if_not_loading(self) -> None:
        if getattr(self._args, "load_weights", None):
            logger.info("--load-weights is for new models: this one goes on with its own weights")

    @property
    def _is_swapped(self) -> bool:
        return bool(getattr(self._args, "swap_model", False))

    def _inputs(self) -> list[Any]:
        shapes = check_shapes(self.input_shape, self.name)
        return [
            keras.Input(shape, name=f"face_in_{side}")
            for side, shape in zip("ab", shapes, strict=True)
        ]

    def build_model(self, inputs: list[Any]) -> keras.Model:
        """Define the network; every plugin overrides this.

        Parameters
        ----------
        inputs
            Two Keras tensors of `input_shape`, side A's and side B's.

        Returns
        -------
        keras.Model
            Made by `KerasModel`. Its outputs are side A's, then as many of side B's.
        """
        raise NotImplementedError(f"{type(self).__qualname__} must override build_model()")

    def add_history(self, loss: list[float]) -> None:
        """Note an iteration's losses, for the average since the last save.

        Parameters
        ----------
        loss
            Collated loss of side A and of side B.
        """
        for losses, value in zip(self._io.history, loss, strict=True):
            losses.append(value)

    def save(self) -> None:
        """Save model and state; keep the previous save as a backup where both sides got better.

        Raises
        ------
        FaceswapError
            The files can't be written, or a loss is not a number; the previous ones stay.
        """
        self.begin_save()
        self.finish_save()

    def prepare_to_save(self) -> None:
        """Take the memory that saves need now, and not when the first one is due."""
        if self._saver is None:
            protect = self.config["nan_protection"]
            self._saver = Saver(self._io, self.model, refuse_nan=protect)

    @property
    def is_saving(self) -> bool:
        """Whether a save is being written."""
        return self._saver is not None and self._saver.is_busy

    def begin_save(self, *, average: bool = True) -> None:
        """Begin to save, as `save` does; the model may train on while it is written.

        A failure to write is told as a warning; `finish_save` raises it.

        Parameters
        ----------
        average
            Whether the losses since the last save are averaged, and are over with; if not, they
            stay noted, and the backup stays what it is.

        Raises
        ------
        FaceswapError
            A loss is not a number: the model is not saved.
        """
        averages = self._average_losses() if average else {}
        if self.config["nan_protection"] and not np.isfinite(list(averages.values())).all():
            raise FaceswapError(
                f"the loss is not a number at iteration {self.iterations}: the model is not saved, "
                "so the last save is whole; resume with a lower learning_rate"
            )
        back_up = bool(averages) and self._is_lowest(averages)
        if back_up:
            self._state.lowest_avg_loss = averages
        if average:
            self._io.history = [[], []]
        losses = ", ".join(f"{side.upper()}: {loss:.5f}" for side, loss in averages.items())
        since = f" - average loss {losses}" if averages else ""
        self._begin(
            lambda save: logger.info("Saved at iteration %d%s", save.iterations, since),
            back_up=back_up,
        )

    def _begin(self, done: Callable[[Generation], None], *, back_up: bool = False) -> None:
        self.prepare_to_save()
        assert self._saver is not None
        state = self._state.describe()
        state["run"]["losses"] = [_finite(losses) for losses in self._io.history]
        self._saver.begin(state, back_up=back_up, done=done)

    def finish_save(self) -> None:
        """Wait until the save that was begun last is written.

        Raises
        ------
        FaceswapError
            It can't be written; earlier saves stay.
        """
        if self._saver is not None:
            self._saver.wait()

    def _average_losses(self) -> dict[str, float]:
        """Mean of each side's losses since the last save, apart from those that are no numbers."""
        means = {}
        for side, losses in zip("ab", self._io.history, strict=True):
            if losses:
                finite = torch.tensor(_finite(losses))
                means[side] = float(finite.mean()) if len(finite) else math.nan
        return means

    def _is_lowest(self, averages: dict[str, float]) -> bool:
        lows = self._state.lowest_avg_loss
        if not np.isfinite(list(averages.values())).all():
            return False
        return not lows or all(averages[side] < lows[side] for side in averages)

    def snapshot(self) -> None:
        """Save, and copy the model's folder beside itself with the iterations in its name.

        This save counts for no average: the losses since the last one stay noted.

        Raises
        ------
        FaceswapError
            The files can't be written.
        """
        self.begin_snapshot()
        self.finish_save()

    def begin_snapshot(self) -> None:
        """Begin a snapshot; the model may train on while it is written. See `begin_save`."""
        self._begin(self._copy_folder)

    def _copy_folder(self, save: Generation) -> None:
        try:
            logger.info("Snapshot: %s", self._io.snapshot(save))
        except FaceswapError as error:
            logger.warning("%s: training goes on", error)
            raise

    def go_back(self, below: int) -> dict[str, Any]:
        """Take the model back to a save, with its optimizer and the count of iterations.

        Parameters
        ----------
        below
            The newest whole save of fewer iterations is taken, or else the oldest one.

        Returns
        -------
        dict
            The state that was saved there, with what the run left for one that goes on from it.

        Raises
        ------
        FaceswapError
            No save can be read.
        """
        with suppress(FaceswapError):
            self.finish_save()  # its failure has been told
        save = self._io.earlier(below)
        state = StateFile(self.model_dir, self.name).read(save.state)
        loaded = compile_model(self._io.load_file(save.model), self.config, self.color_order)
        copy_values(loaded, self.model)
        self._state.go_back(state)
        self._restore_losses(state.setdefault("run", {}))
        return state

    def restore_random(self) -> None:
        """Put the generators of random numbers where they stood when the model was saved.

        Raises
        ------
        FaceswapError
            The save is damaged.
        """
        current = self._io.current
        if current is not None and current.random.exists():
            random_state.restore(random_state.read(current.random), self.model)


def _finite(losses: Sequence[Any]) -> list[float]:
    """Losses, which may lie on a device, as numbers; those that are none are left out."""
    if not losses:
        return []
    values = torch.stack([torch.as_tensor(loss) for loss in losses])
    return [float(value) for value in values.cpu() if math.isfinite(value)]
