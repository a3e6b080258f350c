"""How a model fares, while it trains, on faces that it is not trained on."""

import hashlib
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.data.augment import plain
from lib.data.faceset import FaceSet
from lib.data.stored import Pictures
from lib.device import to_device
from lib.errors import FaceswapError
from lib.evaluation.score import Score, mean, score_faces
from lib.memory import attempt, half
from lib.model.averaging import averaged
from lib.model.predictor import Predictor, side_path
from lib.training.feed import ordered

logger = logging.getLogger(__name__)


def split(side: str, paths: Sequence[str], fraction: float) -> tuple[list[str], list[str]]:
    """Keep the last files by name out of training.

    Faces of one take of a video follow one another. Faces held out at random would have twins
    among those trained on, and their score would rise with what is learned by heart.

    Parameters
    ----------
    side
        "a" or "b".
    paths
        Files of faces in the order of their names.
    fraction
        Part to hold out, above 0 and below 1.

    Returns
    -------
    tuple
        Files to train on, and files held out: at least one.

    Raises
    ------
    FaceswapError
        There is but one file.
    """
    count = max(1, round(len(paths) * fraction))
    if count >= len(paths):
        raise FaceswapError(
            f"--holdout {fraction:g} leaves no face of side {side.upper()} to train on: "
            f"there are {len(paths)}"
        )
    return list(paths[:-count]), list(paths[-count:])


def digest(sides: Iterable[Sequence[str]]) -> str:
    """Tell one choice of faces to hold out from another, by the names of their files.

    Parameters
    ----------
    sides
        Files held out of A, and of B.
    """
    names = [[os.path.basename(path) for path in paths] for paths in sides]
    return hashlib.sha256(repr(names).encode(errors="surrogateescape")).hexdigest()[:16]


@dataclass(frozen=True)
class Evaluation:
    """How a model fares on faces held out.

    Attributes
    ----------
    score
        Held-out score, mean of both sides.
    losses
        Loss of either side, "a" and "b", on faces as they are, without augmentation.
    """

    score: Score
    losses: Mapping[str, float]

    def __str__(self) -> str:
        losses = ", ".join(f"loss {side.upper()} {loss:.5f}" for side, loss in self.losses.items())
        return f"{self.score} (PSNR / SSIM), {losses}"


class HeldOut:
    """Faces held out, and the model that they test.

    Parameters
    ----------
    model
        Compiled; two inputs, and outputs of side A, then as many of side B.
    predictor
        The same model at work.
    scored
        Faces by side, cut as `lib.evaluation.score.score_cut` says.
    compared
        The same faces, cut as those that are trained on: for the loss.
    rgb
        Whether the model works in RGB rather than BGR.
    batch_size
        Faces that go through the model at a time. It is halved where memory runs out.
    """

    def __init__(
        self,
        model: keras.Model,
        predictor: Predictor,
        scored: Mapping[str, FaceSet],
        compared: Mapping[str, FaceSet],
        *,
        rgb: bool,
        batch_size: int,
    ) -> None:
        self._model = model
        self._predictor = predictor
        self._scored = scored
        self._compared = compared
        self._rgb = rgb
        self._batch_size = batch_size
        self._paths = {side: side_path(model, side) for side in "ab"}

    def evaluate(self) -> Evaluation:
        """Evaluate the model with the average of its weights, where it keeps one.

        Raises
        ------
        FaceswapError
            Not even one face fits into memory.
        """
        with averaged(self._model):
            scores = [self._score(side) for side in "ab"]
            losses = {side: self._loss(side) for side in "ab"}
        return Evaluation(mean(scores), losses)

    def _score(self, side: str) -> Score:
        faces = self._scored[side]
        predictions = self._predictor(faces.images, side)
        return score_faces(faces, predictions, self._predictor.coverage)

    def _loss(self, side: str) -> float:
        left, total = np.arange(len(self._compared[side])), 0.0
        while len(left):
            rows = left[: self._batch_size]
            loss = attempt(lambda rows=rows: self._loss_of(side, rows))  # type: ignore[misc]
            if loss is None:
                self._shrink(len(rows))
            else:
                total += loss * len(rows)
                left = left[len(rows) :]
        return total / len(self._compared[side])

    def _shrink(self, count: int) -> None:
        self._batch_size = half(count, "a held-out evaluation", "end what else uses memory")
        logger.warning("Out of memory: faces are now evaluated %d at a time", self._batch_size)

    def _loss_of(self, side: str, rows: NDArray[np.intp]) -> float:
        """Mean over some faces of the sum of all outputs' losses."""
        path, faces = self._paths[side], self._compared[side]
        first = "ab".index(side) * len(path.outputs)
        losses = self._model.loss[first : first + len(path.outputs)]
        feed = self._cut(faces.images, rows, path.inputs[0].shape[1], rgb=self._rgb)
        with torch.no_grad():
            outputs = keras.tree.flatten(path(feed, training=False))
            terms = [
                loss(self._truth(faces, rows, output.shape[1]), output)
                for loss, output in zip(losses, outputs, strict=True)
            ]
        return float(sum(terms))

    def _truth(self, faces: FaceSet, rows: NDArray[np.intp], size: int) -> Tensor:
        image = self._cut(faces.images, rows, size, rgb=self._rgb)
        return torch.cat([image, self._cut(faces.masks, rows, size, rgb=False)], dim=-1)

    def _cut(self, pixels: Pictures, rows: NDArray[np.intp], size: int, *, rgb: bool) -> Tensor:
        return to_device(ordered(plain(pixels, rows, size, self._predictor.coverage), rgb=rgb))
