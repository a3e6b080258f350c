"""Loads the faces that a model is trained, tested and shown on."""

import logging
import threading
from argparse import Namespace
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from lib.align.geometry import face_edge
from lib.data.changes import Originals
from lib.data.faceset import BadFace, Cut, FaceSet, load_faces
from lib.data.files import find_images
from lib.data.sides import check_count, check_side, shown, tell_bad, write_report
from lib.data.trained import describe, tell_if_others
from lib.errors import FaceswapError
from lib.evaluation.held_out import split
from lib.evaluation.score import score_cut
from lib.training.distributed import ALONE, World

logger = logging.getLogger(__name__)

SECONDS_FOR_LAST_LOOK = 1.0

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
        Faces kept out of training, cut in the same way; empty where none are, and in all but the
        first of several processes, which alone tests the model on them.
    described : dict
        What later runs know the trained faces by, by side, as JSON can hold it.
    scored : dict of FaceSet
        The faces held out, cut for the held-out score.

    Raises
    ------
    FaceswapError
        Too few faces are good, or they lack what an option needs.
    """

    def __init__(self, model: Any, images: Mapping[str, list[str]], batch_size: int) -> None:
        self._model = model
        self._args: Namespace = model.command_line_arguments
        self._world: World = getattr(self._args, "world", ALONE)
        self._left_out: list[tuple[str, BadFace]] = []
        self._look: threading.Thread | None = None
        self._is_closed = False
        self.trained: Sides = {}
        self.held_out: Sides = {}
        for side in "ab":
            self._load(side, images[side])
        if self.held_out:
            logger.info("Held out: %d faces of A, %d of B", *map(len, self.held_out.values()))
        self.described = {side: describe(faces) for side, faces in self.trained.items()}
        self.scored: Sides = {}
        self._world.lead(self._load_scored)
        self._originals = {
            side: Originals([faces[side] for faces in (self.trained, self.held_out) if faces])
            for side in "ab"
        }
        for side, faces in self.trained.items():
            self._tell_if_repeating(side, len(faces), batch_size)

    @property
    def _report(self) -> Path:
        return Path(self._model.model_dir) / f"{self._model.name}_left_out.txt"

    def write_reports(self) -> None:
        """List the files left out; for when all else is in order.

        Raises
        ------
        FaceswapError
            The list can't be written.
        """
        for side in "ab":  # lists of earlier versions, which nobody would renew
            with suppress(OSError):
                self._report.with_stem(f"{self._report.stem}_{side}").unlink(missing_ok=True)
        write_report(self._report, self._left_out)
        if self._left_out:
            logger.info("All files left out, with the reasons: %s", self._report)

    def tell_changes(self) -> None:
        """Warn of files that have changed or gone since they were read, and list them.

        For every save, where the process writes files; no trouble with the list ends a run. A
        thread of its own looks: a share that has gone may keep it waiting for ever. Until it is
        done no other looks; `wait` waits for it.
        """
        if not self.wait(0):
            return
        self._look = threading.Thread(
            target=self._look_for_changes, name="changed faces", daemon=True
        )
        self._look.start()

    def wait(self, seconds: float) -> bool:
        """Wait for the look at the files that is going on; gives whether it is done."""
        if self._look is None:
            return True
        self._look.join(seconds)
        return not self._look.is_alive()

    def close(self) -> None:
        """Wait a moment for the last look at the files; what is found later is not told."""
        self.wait(SECONDS_FOR_LAST_LOOK)
        self._is_closed = True

    def _look_for_changes(self) -> None:
        found = [(side, face) for side in "ab" for face in self._originals[side].changes()]
        if not found or self._is_closed:
            return
        logger.warning(
            "Faces: %d files are not as they were read: %s; training goes on with them as they "
            "were read",
            len(found),
            shown([face for _, face in found]),
        )
        self._left_out += found
        try:
            write_report(self._report, self._left_out)
        except FaceswapError as error:
            logger.warning("%s: training goes on", error)

    def tell_if_others(self, last: Mapping[str, Any]) -> None:
        """Warn of a side that has none of the faces that a run left as `described`; {} for none."""
        if self._world.is_first:
            kinds = self.trained, self.held_out
            tell_if_others(last, {side: [k[side] for k in kinds if k] for side in "ab"})

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

    def _load(self, side: str, paths: list[str]) -> None:
        cut = self._cut(side)
        faces, bad = load_faces(paths, cut, f"Side {side.upper()}")
        check_count(side, len(faces), "faces", bad, allow_few=self._allow_few)
        self._left_out += [(side, face) for face in bad]
        if fraction := getattr(self._args, "holdout", None):
            count = len(split(side, faces.paths, fraction)[0])
            if self._world.is_first:
                self.held_out[side] = faces.part(slice(count, None))
            faces = faces.part(slice(count))
        self.trained[side] = faces
        check_side(
            side,
            faces,
            bad,
            cut=cut,
            coverage=self._model.coverage_ratio,
            allow_few=self._allow_few,
        )

    def _load_scored(self) -> None:
        cut = score_cut(self._model.config["centering"])
        for side, held_out in self.held_out.items():
            faces, _ = load_faces(held_out.paths, cut, f"Held out {side.upper()}")
            self.scored[side] = faces.subset(np.flatnonzero(faces.has_landmarks))
            if not len(self.scored[side]):
                raise FaceswapError(
                    f"--holdout: no face held out of side {side.upper()} has landmarks, and the "
                    "score is taken inside the mask that they give; leave --holdout out"
                )

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
            side: self._load_first(side, find_images(folder), count)
            for side, folder in folders.items()
        }

    def _load_first(self, side: str, paths: list[str], count: int) -> FaceSet:
        name, reach = f"Time-lapse {side.upper()}", count
        while True:
            faces, bad = load_faces(paths[:reach], self._cut(side), name)
            if len(faces) >= count or reach >= len(paths):
                break
            reach *= 2  # some of the first are bad, and others take their place
        if not len(faces):
            raise FaceswapError(
                f"{name}: no face can be used, such as {bad[0]}; name another folder"
            )
        if bad:
            tell_bad(name, bad)
        return faces.part(slice(count))
