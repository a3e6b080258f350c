"""Runs faces through a model's sides: every face as side A and as side B would show it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import torch
from numpy.typing import NDArray

from lib.data.augment import plain
from lib.data.stored import Pictures
from lib.device import to_device
from lib.memory import attempt, half

logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Predicted:
    """What a model makes of windows.

    Attributes
    ----------
    faces
        ``(n, edge, edge, 3)``, BGR, 0..1.
    masks
        ``(n, edge, edge)``, 0..1; None where the model learns none.
    """

    faces: Floats
    masks: Floats | None


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

    Attributes
    ----------
    coverage, batch_size
        As given; the batch size as it is now.
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
        self.batch_size = batch_size
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
        feeds = plain(faces, np.arange(len(faces)), self.input_edge(side), self.coverage)
        return np.rint(self.windows(feeds, side).faces * 255).astype(np.uint8)

    def input_edge(self, side: str) -> int:
        """Edge in pixels of the windows that a side takes."""
        return int(self._paths[side].inputs[0].shape[1])

    def windows(self, feeds: Pixels, side: str) -> Predicted:
        """Show windows as one side would.

        Parameters
        ----------
        feeds
            ``(n, edge, edge, 3)``, BGR, of the `input_edge`; at least one.
        side
            Whose identity to give them, "a" or "b".

        Raises
        ------
        FaceswapError
            Not even one fits into memory.
        """
        path = self._paths[side]
        batches: list[Predicted] = []
        start = 0
        while start < len(feeds):
            feed = feeds[start : start + self.batch_size]
            predicted = attempt(lambda feed=feed: self._predict(path, feed))  # type: ignore[misc]
            if predicted is None:
                self._shrink(len(feed))
            else:
                batches.append(predicted)
                start += len(feed)
        masks = [each.masks for each in batches if each.masks is not None]
        return Predicted(
            np.concatenate([each.faces for each in batches]),
            np.concatenate(masks) if masks else None,
        )

    def _shrink(self, count: int) -> None:
        self.batch_size = half(count, "a prediction", "end what else uses memory")
        logger.warning("Out of memory: faces are now predicted %d at a time", self.batch_size)

    def _predict(self, path: keras.Model, feed: Pixels) -> Predicted:
        with torch.no_grad():
            outputs = path(to_device(feed[..., self._order].copy()), training=False)
        outputs = keras.tree.flatten(outputs)
        faces, masks = (
            max((o for o in outputs if o.shape[-1] == channels), key=_edge, default=None)
            for channels in (3, 1)
        )
        return Predicted(
            np.ascontiguousarray(_floats(faces)[..., self._order]),
            None if masks is None else _floats(masks)[..., 0],
        )


def _edge(output: Any) -> int:
    return int(output.shape[1])


def _floats(output: Any) -> Floats:
    values: Floats = output.detach().float().nan_to_num(0).clamp(0, 1).cpu().numpy()
    return values
