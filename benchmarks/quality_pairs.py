"""Faces of two people, to train on and to hold out."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.faces import GRID, SPEAKERS, are_real
from lib.data.faceset import FaceSet, load_faces
from lib.data.files import find_images
from lib.evaluation.held_out import split
from lib.evaluation.score import score_cut
from lib.evaluation.truth import true_swaps
from lib.synthetic.dataset import write_faces
from lib.synthetic.parameters import Identity, Light
from lib.synthetic.performance import performance
from scripts.demo import FACES, HELD_OUT, PEOPLE

CUT = score_cut("face")


@dataclass(frozen=True)
class Pair:
    """Two people.

    Attributes
    ----------
    train
        Files to train on, by side.
    held_out
        Faces to score, by side, cut for that.
    truth
        What perfect swaps of those would show; None where nobody can know.
    """

    train: Mapping[str, list[str]]
    held_out: Mapping[str, FaceSet]
    truth: Mapping[str, FaceSet] | None


def grid(folder: Path) -> Pair:
    """Two real speakers, 60 faces of each; the last fifth of either clip is held out."""
    if not are_real():
        raise SystemExit(f"--pair grid: its faces belong in '{GRID}'; try --pair rendered")
    files = {side: find_images(str(path)) for side, path in zip("ab", SPEAKERS, strict=True)}
    parts = {side: split(side, paths, 0.2) for side, paths in files.items()}
    train, held_out = ({side: part[k] for side, part in parts.items()} for k in (0, 1))
    return _pair(train, held_out)


def rendered(folder: Path) -> Pair:
    """The two people of ``faceswap demo``, rendered into a folder; each acts anew to be scored."""
    train, held_out = (
        {
            side: _render(folder / f"{side}_{count}", *who, count, more)
            for side, who in PEOPLE.items()
        }
        for count, more in ((FACES, 0), (HELD_OUT, 100))
    )
    return _pair(train, held_out)


PAIRS: dict[str, Callable[[Path], Pair]] = {"grid": grid, "rendered": rendered}


def pair_at_hand() -> str:
    """Name of the real pair, or of the rendered one where its faces are missing, which is said."""
    if are_real():
        return "grid"
    print(f"'{GRID}' has no faces: rendered ones are used", file=sys.stderr)
    return "rendered"


def _render(folder: Path, identity: int, number: int, count: int, more: int) -> list[str]:
    shots = performance(np.random.default_rng(number + more), count)
    lit = [replace(shot, light=Light()) for shot in shots]
    person = Identity.random(np.random.default_rng(identity))
    paths = write_faces(folder, person, lit, f"person{identity}", label=f"Rendering {folder.name}")
    return [str(path) for path in paths]


def _pair(train: Mapping[str, list[str]], held_out: Mapping[str, list[str]]) -> Pair:
    faces = {side: load_faces(paths, CUT, side.upper())[0] for side, paths in held_out.items()}
    swaps = {side: true_swaps(faces[side], faces[other], CUT) for side, other in ("ab", "ba")}
    truth = {side: swap for side, swap in swaps.items() if swap is not None}
    return Pair(train, faces, truth or None)
