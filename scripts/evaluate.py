"""``faceswap evaluate``: how like the truth a model's faces are."""

import logging
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.align.geometry import window_edge
from lib.data.faceset import Cut, FaceSet, load_faces
from lib.data.files import find_images
from lib.data.trained import are_new, described
from lib.errors import FaceswapError
from lib.evaluation.held_out import digest, split
from lib.evaluation.score import Score, mean, score_cut, score_faces
from lib.evaluation.truth import true_swaps
from lib.media.mark import write_picture
from lib.model.predictor import Predictor
from lib.preview.comparison import comparison, put_in_place
from scripts.command import Command
from scripts.loading import load_trained

logger = logging.getLogger(__name__)

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
ROWS = 6
"""Faces of each side in the picture."""


@dataclass(frozen=True)
class Side:
    """One side's faces, what a model makes of them, and the true swaps where they can be known."""

    faces: FaceSet
    same: NDArray[np.uint8]
    swapped: NDArray[np.uint8]
    truth: FaceSet | None


class Evaluate(Command):
    """The evaluate command."""

    def __init__(self, arguments: Namespace) -> None:
        super().__init__(arguments)
        output = arguments.output
        if output is not None and Path(output).suffix.lower() not in PICTURES:
            raise FaceswapError(f"'{output}' must end in one of {', '.join(PICTURES)}")

    def process(self) -> None:
        """Print the model's score and, for rendered faces, the swap's against the truth.

        Raises
        ------
        FaceswapError
            A folder, a face or the model can't be used.
        """
        self.log()
        model = load_trained(self._args)
        cut, coverage = score_cut(model.centring), model.predictor.coverage
        faces = {side: self._load(side, cut) for side in "ab"}
        is_held_out = _are_held_out(model.run, faces)
        sides = self._predict(model.predictor, cut, faces)
        print("PSNR / SSIM inside the face mask, the higher the better:")
        for name, score in scores(sides, coverage, is_held_out=is_held_out).items():
            print(f"{name + ':':45} {score}")
        if not is_held_out:
            print(f"The model may have been trained on these faces: {self._advice}")
        if self._args.output:
            write_picture(self._args.output, picture(sides, coverage))
            print(f"Picture: {self._args.output}")

    @property
    def _advice(self) -> str:
        if self._args.holdout:
            return "its last run did not hold out the same"
        return "--holdout scores those alone that train held out"

    def _load(self, side: str, cut: Cut) -> FaceSet:
        """The faces of a side to look at, with landmarks or without."""
        folder = getattr(self._args, f"input_{side}")
        faces, bad = load_faces(find_images(folder), cut, f"Side {side.upper()}")
        for face in bad:
            logger.warning("Left out: %s", face)
        if self._args.holdout:
            trained, _ = split(side, faces.paths, self._args.holdout)
            faces = faces.part(slice(len(trained), None))
        return faces

    def _with_landmarks(self, side: str, faces: FaceSet) -> FaceSet:
        good = faces.subset(np.flatnonzero(faces.has_landmarks))
        if not len(good):
            kind = "no held-out face" if self._args.holdout else "no face"
            raise FaceswapError(
                f"'{getattr(self._args, f'input_{side}')}' holds {kind} with landmarks: the score "
                "is taken inside the mask that they give"
            )
        return good

    def _predict(
        self, predictor: Predictor, cut: Cut, loaded: Mapping[str, FaceSet]
    ) -> dict[str, Side]:
        faces = {side: self._with_landmarks(side, those) for side, those in loaded.items()}
        return {
            side: Side(
                faces=faces[side],
                same=predictor(faces[side].images, side),
                swapped=predictor(faces[side].images, other),
                truth=true_swaps(faces[side], faces[other], cut),
            )
            for side, other in ("ab", "ba")
        }


def _are_held_out(run: Mapping[str, Any], faces: Mapping[str, FaceSet]) -> bool:
    """Whether a model's last run held these faces out, or had none of them."""
    held_out, trained = run.get("held_out"), described(run)
    names = digest([one.paths for one in faces.values()])
    if isinstance(held_out, dict) and held_out.get("faces") == names:
        return True
    return all(are_new(trained.get(side, {}), those) for side, those in faces.items())


def scores(
    sides: dict[str, Side], coverage: float, *, is_held_out: bool = False
) -> dict[str, Score]:
    """The score, then the swaps' scores where the truth is known.

    Parameters
    ----------
    sides
        Faces with their predictions, by side.
    coverage
        Share of a face's edge that the predictions show, 0..1.
    is_held_out
        Whether the model's last run held the faces out, or had none of them.
    """
    same = {name: score_faces(side.faces, side.same, coverage) for name, side in sides.items()}
    title = "Held-out score" if is_held_out else "Score"
    found = {title: mean(list(same.values()))}
    found |= {f"  {name.upper()} > {name.upper()}": score for name, score in same.items()}
    for name, other in ("ab", "ba"):
        side = sides[name]
        if side.truth is not None:
            swap = f"Swap {name.upper()} > {other.upper()} against the truth"
            found[swap] = score_faces(side.truth, side.swapped, coverage)
            found[f"  {name.upper()} left as it is, for comparison"] = score_faces(
                side.truth, _windows(np.asarray(side.faces.images), coverage), coverage
            )
    return found


def _windows(images: NDArray[np.uint8], coverage: float) -> NDArray[np.uint8]:
    edge = window_edge(images.shape[1], coverage)
    start = (images.shape[1] - edge) // 2
    return images[:, start : start + edge, start : start + edge]


def picture(sides: dict[str, Side], coverage: float) -> NDArray[np.uint8]:
    """Faces, their swaps and the truth side by side, for a few faces of either side.

    Parameters
    ----------
    sides
        Faces with their predictions, by side.
    coverage
        Share of a face's edge that the predictions show, 0..1.
    """
    rows = min(ROWS, *(len(side.faces) for side in sides.values()))
    return comparison([_block(name, side, rows, coverage) for name, side in sides.items()])


def _block(name: str, side: Side, rows: int, coverage: float) -> dict[str, NDArray[np.uint8]]:
    chosen = np.linspace(0, len(side.faces) - 1, rows).round().astype(int)
    edge = window_edge(side.faces.size, coverage)
    other = "ba"["ab".index(name)].upper()
    inputs = np.asarray(side.faces.images[chosen])
    masks = np.asarray(side.faces.masks[chosen])[..., 0]
    swaps = [
        put_in_place(face, mask, swap, edge)
        for face, mask, swap in zip(inputs, masks, side.swapped[chosen], strict=True)
    ]
    block = {f"Input {name.upper()}": inputs, f"Swap to {other}": np.stack(swaps)}
    if side.truth is not None:
        block[f"Truth: {other} rendered"] = np.asarray(side.truth.images[chosen])
    return block
