"""Base class of the model plugins: options, building, losses, saving."""

import inspect
import logging
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import keras

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
from plugins.train.model._base.saves import Saves
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
        self.check_stored(self.option_classes.values(), self._config)
        check_options(self._config)
        self._model: keras.Model | None = None
        self.saves = Saves(self, self._io)
        """Saves this model while it trains."""

    @cached_property
    def option_classes(self) -> dict[str, type]:
        """The ini sections that make up `config`, later ones before earlier ones."""
        own = getattr(sys.modules[type(self).__module__], "Options", None)
        return sections.MODEL | ({f"model.{self.name}": own} if own else {})

    def _read_options(self) -> tuple[dict[str, Any], set[str]]:
        values = ini.load(
            getattr(self._args, "configfile", None),
            loader.option_sections(getattr(self._args, "plugin_dir", None)) | self.option_classes,
        )
        merged = options.merged(values[name] for name in self.option_classes)
        return merged, options.changeable(self.option_classes.values())

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
                f"'{self._io.path}' has lost its state file: "
                f"{self._io.saves.way_back(self._io.state_path)}"
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
        self.saves.begin()
        self.saves.finish()

    def snapshot(self) -> None:
        """Save, and copy the model's folder beside itself with the iterations in its name.

        This save counts for no average: the losses since the last one stay noted.

        Raises
        ------
        FaceswapError
            The files can't be written.
        """
        self.saves.begin_snapshot()
        self.saves.finish()
