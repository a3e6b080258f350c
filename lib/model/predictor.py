"""Runs faces through a model's sides: every face as side A and as side B would show it."""

import logging
from collections.abc import Mapping

import keras
import numpy as np
import torch
from numpy.typing import NDArray

from lib.data.augment import plain
from lib.data.stored import Pictures
from lib.training.device import to_device, to_pixels
from lib.training.memory import attempt, half

logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]


def side_path(model: keras.Model, side: str) -> keras.Model:
    """The part of a model that makes one side's faces.

    Fed with its own side's faces it reconstructs them, fed with the other side's it swaps them.

    Parameters
    ----------
    model
        Two inputs, side A's and side B's; its outputs are side A's, then as many of side B's.
    side
        "a" or "b".

    Returns
    -------
    keras.Model
        One input; shares its weights with `model`.
    """
    index, half = "ab".index(side), len(model.outputs) // 2
    outputs = model.outputs[index * half : (index + 1) * half]
    return keras.Model(model.inputs[index], outputs, name=f"{model.name}_{side}")


class Predictor:
    """Shows faces as side A and as side B.

    Parameters
    ----------
    paths
        For each side, "a" and "b", the model that makes its faces; see `side_path`.
    coverage
        Share of a face's edge that the model sees, 0..1.
    rgb
        Whether the model works in RGB rather than BGR.
    batch_size
        Faces that go through the model at a time. It is halved where memory runs out.
    """

    def __init__(
        self,
        paths: Mapping[str, keras.Model],
        coverage: float,
        *,
        rgb: bool = False,
        batch_size: int = 16,
    ) -> None:
        self._paths = paths
        self.coverage = coverage
        self._batch_size = batch_size
        self._order = slice(None, None, -1 if rgb else 1)

    def __call__(self, faces: Pictures, side: str) -> Pixels:
        """Show faces as one side would.

        Parameters
        ----------
        faces
            Full-coverage faces of either side, ``(n, size, size, 3)``, BGR.
        side
            Whose identity to give them, "a" or "b".

        Returns
        -------
        Pixels
            The model's window of each face, ``(n, edge, edge, 3)``, BGR.

        Raises
        ------
        FaceswapError
            Not even one face fits into memory.
        """
        path = self._paths[side]
        size = path.inputs[0].shape[1]
        feeds = plain(faces, np.arange(len(faces)), size, self.coverage)
        batches: list[Pixels] = []
        start = 0
        while start < len(feeds):
            feed = feeds[start : start + self._batch_size]
            predicted = attempt(lambda feed=feed: self._predict(path, feed))  # type: ignore[misc]
            if predicted is None:
                self._shrink(len(feed))
            else:
                batches.append(predicted)
                start += len(feed)
        return np.concatenate(batches)

    def _shrink(self, count: int) -> None:
        self._batch_size = half(count, "a prediction", "end what else uses memory")
        logger.warning("Out of memory: faces are now predicted %d at a time", self._batch_size)

    def _predict(self, path: keras.Model, feed: Pixels) -> Pixels:
        with torch.no_grad():
            outputs = path(to_device(feed[..., self._order].copy()), training=False)
        faces = [output for output in keras.tree.flatten(outputs) if output.shape[-1] == 3]
        largest = max(faces, key=lambda face: int(face.shape[1]))
        return np.ascontiguousarray(to_pixels(largest)[..., self._order])
