"""Loads the faces that a model is trained, tested and shown on."""

import hashlib
import logging
import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lib.align.geometry import face_edge
from lib.data.faceset import Cut, FaceSet, load_faces
from lib.data.files import find_images
from lib.data.sides import check_count, load_side, tell_bad, write_report
from lib.errors import FaceswapError
from lib.evaluation.held_out import split
from lib.evaluation.score import score_cut

logger = logging.getLogger(__name__)

Sides = dict[str, FaceSet]


class Faces:
    """Faces of both sides, cut as a model takes them.

    Parameters
    ----------
    model : plugin from plugins.train.model
        It has been built.
    images
        Full paths of the faces of each side.
    batch_size
        Faces of each side in a batch.

    Attributes
    ----------
    trained : dict of FaceSet
        Faces to train on, by side.
    held_out : dict of FaceSet
        Faces kept out of training, cut in the same way; empty where none are.
    scored : dict of FaceSet
        The faces kept out, cut for the held-out score.

    Raises
    ------
    FaceswapError
        Too few faces are good, or they lack what an option needs.
    """

    def __init__(self, model: Any, images: Mapping[str, list[str]], batch_size: int) -> None:
        self._model = model
        self._args: Namespace = model.command_line_arguments
        trained, kept_out = dict(images), {}
        if fraction := getattr(self._args, "holdout", None):
            for side in "ab":
                trained[side], kept_out[side] = split(side, images[side], fraction)
                check_count(side, len(trained[side]), allow_few=self._allow_few)
        loaded = {side: self._load(side, trained[side]) for side in "ab"}
        self.held_out = {side: self._load_others(side, kept_out[side]) for side in kept_out}
        if self.held_out:
            logger.info("Held out: %d faces of A, %d of B", *map(len, self.held_out.values()))
        self.scored = {side: self._load_scored(side) for side in kept_out}
        self.trained: Sides = {side: faces for side, (faces, _) in loaded.items()}
        self._bad = {side: bad for side, (_, bad) in loaded.items()}
        for side, faces in self.trained.items():
            self._tell_if_repeating(side, len(faces), batch_size)

    def write_reports(self) -> None:
        """List the files left out; for when all else is in order."""
        for side, bad in self._bad.items():
            report = f"{self._model.name}_left_out_{side}.txt"
            write_report(Path(self._model.model_dir) / report, bad)

    @property
    def held_out_digest(self) -> str:
        """Tells one choice of faces to hold out from another, by the names of their files."""
        names = [
            [os.path.basename(path) for path in faces.paths] for faces in self.held_out.values()
        ]
        return hashlib.sha256(repr(names).encode(errors="surrogateescape")).hexdigest()[:16]

    @property
    def _allow_few(self) -> bool:
        return bool(getattr(self._args, "allow_few", False))

    def _cut(self, side: str) -> Cut:
        """How a side's faces are kept: the trained window at the largest size that is needed."""
        config, index = self._model.config, "ab".index(side)
        shapes = [*self._model.output_shapes[index], self._model.model.inputs[index].shape[1:]]
        window = max(shape[0] for shape in shapes)
        return Cut(
            size=face_edge(window, self._model.coverage_ratio),
            centring=config["centering"],
            mask_type=config["mask_type"],
            mask_blur_kernel=config["mask_blur_kernel"],
            mask_threshold=config["mask_threshold"],
            mask_dilation=config["mask_dilation"],
        )

    def _load(self, side: str, paths: list[str]) -> tuple[FaceSet, Any]:
        return load_side(
            side,
            paths,
            self._cut(side),
            coverage=self._model.coverage_ratio,
            allow_few=self._allow_few,
        )

    def _load_others(self, side: str, paths: list[str], label: str = "Held out") -> FaceSet:
        name = f"{label} {side.upper()}"
        faces, bad = load_faces(paths, self._cut(side), name)
        if not len(faces):
            raise FaceswapError(f"{label}: no face of side {side.upper()} can be used: {bad[0]}")
        if bad:
            tell_bad(name, bad)
        return faces

    def _load_scored(self, side: str) -> FaceSet:
        cut = score_cut(self._model.config["centering"])
        faces, _ = load_faces(self.held_out[side].paths, cut, f"Held out {side.upper()}")
        scored = faces.subset(np.flatnonzero(faces.has_landmarks))
        if not len(scored):
            raise FaceswapError(
                f"--holdout: no face held out of side {side.upper()} has landmarks, and the score "
                "is taken inside the mask that they give; leave --holdout out"
            )
        return scored

    @staticmethod
    def _tell_if_repeating(side: str, count: int, batch_size: int) -> None:
        if count < batch_size:
            logger.info(
                "Side %s: a batch of %d is more than its %d faces: faces repeat within a batch",
                side.upper(),
                batch_size,
                count,
            )

    def load_timelapse(self, folders: Mapping[str, str], count: int) -> Sides:
        """Load the first faces of two folders by name, so that the pictures line up over time.

        Parameters
        ----------
        folders
            Folder of each side.
        count
            The most faces of either.
        """
        return {
            side: self._load_others(side, find_images(folder)[:count], "Time-lapse")
            for side, folder in folders.items()
        }
