"""What every model plugin must do, tried on the plugin itself: the suite of ``plugins check``."""

import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch
from numpy.typing import NDArray

from lib.config import ini
from lib.config.options import Options
from lib.device import to_device
from lib.errors import FaceswapError
from lib.model.precision import policy, set_precision
from lib.model.predictor import Predictor, side_path
from lib.training.step import TrainingStep
from plugins import loader

Pixels = NDArray[np.uint8]

BATCH = 2
RATE = 1e-4


class Subject:
    """A plugin on trial, in a folder of its own that goes at the end.

    Parameters
    ----------
    name
        The plugin's name.
    plugin_dir
        The user's plugin folder; None for that of the environment, if any.
    folder
        Where it may save.
    """

    def __init__(self, name: str, plugin_dir: str | None, folder: Path) -> None:
        self.name = name
        self._plugin_dir = plugin_dir
        self._folder = folder

    @cached_property
    def plugin(self) -> type[Any]:
        """The plugin's class."""
        return loader.load_model(self.name, self._plugin_dir)

    @cached_property
    def model(self) -> Any:
        """A new model, which all checks share."""
        return self.make()

    def make(self, *, predict: bool = False, swap: bool = False) -> Any:
        """Make the plugin's model as a command does, from what is saved if anything is."""
        arguments = Namespace(
            configfile=str(self._ini), plugin_dir=self._plugin_dir, no_logs=True, swap_model=swap
        )
        model = self.plugin(str(self._folder / "model"), arguments, predict)
        model.build()
        return model

    @cached_property
    def _ini(self) -> Path:
        path = self._folder / "train.ini"
        path.write_text(ini.render(loader.option_sections(self._plugin_dir)), encoding="utf-8")
        return path

    @cached_property
    def feeds(self) -> list[Pixels]:
        """Noise for either input."""
        return [_noise(tensor.shape[1], 3) for tensor in self.model.model.inputs]

    @cached_property
    def targets(self) -> list[Pixels]:
        """Noise for each output, with masks."""
        return [_noise(tensor.shape[1], 6) for tensor in self.model.model.outputs]

    def step(self) -> torch.Tensor:
        """Train once on noise."""
        step = TrainingStep(self.model.model, self.model.config)
        return step([(self.feeds, self.targets)], RATE).losses

    def predict(self, model: keras.Model) -> list[NDArray[np.float32]]:
        """All outputs of a model, of noise."""
        with torch.no_grad():
            outputs = model([to_device(feed) for feed in self.feeds], training=False)
        return [output.float().cpu().numpy() for output in keras.tree.flatten(outputs)]


def _noise(size: int, channels: int) -> Pixels:
    rng = np.random.default_rng([size, channels])
    return rng.integers(0, 256, (BATCH, size, size, channels), dtype=np.uint8)


def explains_itself(subject: Subject) -> None:
    """Its class has a docstring, and its options a dataclass of Options with help."""
    if not subject.plugin.__doc__:
        raise FaceswapError("class Model has no docstring: say in a line what the model is for")
    own = getattr(sys.modules[subject.plugin.__module__], "Options", None)
    if own is not None and not (isinstance(own, type) and issubclass(own, Options)):
        raise FaceswapError("Options is no dataclass that inherits from lib.config.options.Options")


def builds(subject: Subject) -> None:
    """It builds, and bears its file's name."""
    if subject.model.model.name != subject.name:
        raise FaceswapError(
            f"the model is named '{subject.model.model.name}': build it with "
            "KerasModel(inputs, outputs, name=self.name)"
        )


def trains(subject: Subject) -> None:
    """A step of training changes every weight, and the losses are numbers."""
    model = subject.model.model
    before = [weight.numpy().copy() for weight in model.trainable_variables]
    losses = subject.step()
    if not torch.isfinite(losses).all():
        raise FaceswapError(f"the losses of a step on noise are no numbers: {losses.tolist()}")
    for weight, old in zip(model.trainable_variables, before, strict=True):
        if np.array_equal(weight.numpy(), old):
            raise FaceswapError(f"a step of training leaves '{weight.path}' as it was")


def trains_in_half_precision(subject: Subject) -> None:
    """Outputs stay in float32 where the layers compute in bfloat16."""
    model = subject.model.model
    set_precision(model, "mixed_bfloat16")
    try:
        with torch.no_grad():
            outputs = model([to_device(feed) for feed in subject.feeds], training=False)
        losses = subject.step()
    finally:
        set_precision(model, policy(subject.model.config))
    for name, output in zip(model.output_names, keras.tree.flatten(outputs), strict=True):
        if output.dtype != torch.float32:
            raise FaceswapError(f"output '{name}' is in half precision: end it in Conv2DOutput")
    if not torch.isfinite(losses).all():
        raise FaceswapError(f"the losses of a step in bfloat16 are no numbers: {losses.tolist()}")


def resumes(subject: Subject) -> None:
    """What is saved comes back exactly, optimizer and all."""
    subject.model.save()
    again, model = subject.make().model, subject.model.model
    for ours, theirs in (
        (again.weights, model.weights),
        (_learned(again.optimizer), _learned(model.optimizer)),
    ):
        if len(ours) != len(theirs) or not all(map(_equal, ours, theirs)):
            raise FaceswapError("a model that was saved and loaded differs from what it was")
    pairs = zip(subject.predict(again), subject.predict(model), strict=True)
    if not all(np.array_equal(ours, theirs) for ours, theirs in pairs):
        raise FaceswapError("a model that was saved and loaded predicts otherwise than before")


def _learned(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """All that an optimizer keeps but its learning rate, which every step is given anew."""
    return [variable for variable in optimizer.variables if variable.name != "learning_rate"]


def _equal(ours: keras.Variable, theirs: keras.Variable) -> bool:
    return np.array_equal(ours.numpy(), theirs.numpy())


def swaps(subject: Subject) -> None:
    """Loaded for swapping, it makes the other side's faces, either way."""
    for side, swap in (("a", True), ("b", False)):
        half = subject.make(predict=True, swap=swap)
        feed = subject.feeds["ab".index(side)]
        found = keras.tree.flatten(half.model(to_device(feed), training=False))
        if [tuple(output.shape[1:]) for output in found] != subject.model.output_shapes[
            "ab".index(side)
        ]:
            raise FaceswapError(f"loaded for swapping, side {side.upper()} has other outputs")


def shows(subject: Subject) -> None:
    """Faces of either side can be shown as both."""
    model = subject.model.model
    predictor = Predictor({side: side_path(model, side) for side in "ab"}, coverage=1.0)
    for side in "ab":
        for feed in subject.feeds:
            predictor(feed, side)


CHECKS: tuple[Callable[[Subject], None], ...] = (
    explains_itself,
    builds,
    trains,
    trains_in_half_precision,
    resumes,
    swaps,
    shows,
)


@dataclass(frozen=True)
class Finding:
    """Outcome of one check.

    Attributes
    ----------
    promise
        What the check is about, a sentence.
    problem
        What is wrong; None where the promise is kept.
    """

    promise: str
    problem: str | None


def check_plugin(name: str, plugin_dir: str | None = None) -> Iterator[Finding]:
    """Try a model plugin; the first promise that it breaks ends the trial.

    Parameters
    ----------
    name
        The plugin's name.
    plugin_dir
        The user's plugin folder; None for that of the environment, if any.

    Yields
    ------
    Finding
        One for each check, as it ends.
    """
    with tempfile.TemporaryDirectory() as folder:
        subject = Subject(name, plugin_dir, Path(folder))
        for check in CHECKS:
            promise = (check.__doc__ or "").strip()
            problem = _problem(check, subject)
            yield Finding(promise, problem)
            if problem is not None:
                return


def _problem(check: Callable[[Subject], None], subject: Subject) -> str | None:
    try:
        check(subject)
    except FaceswapError as error:
        return str(error)
    except (Exception, SystemExit) as error:  # whatever a user's file does, it is the finding
        return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    return None
