"""The whole way, to frames with other people in them: real people, and rendered ones."""

from argparse import Namespace
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceswap.cli import main
from lib.extract.identity import Identity
from lib.media.mark import SOURCE_TYPE, read_mark
from lib.media.source import open_source
from lib.synthetic.dataset import write_faces
from lib.synthetic.parameters import Identity as Person
from lib.synthetic.parameters import Light
from lib.synthetic.performance import performance
from lib.synthetic.render import render
from scripts.arguments import make_parser
from scripts.finding import make_finder

ITERATIONS = 400
FOLLOWS = 0.8
"""Correlation of the mouth's opening with the source's, where the source is `sbia1a`: 0.92 here.

The lips of `bbaf2n` part by half a pixel, where a blur of 3 pixels alone leaves 0.82 of it: a swap
has 0.83 there after 1,600 iterations, and 0.14 to 0.75 after 400, so nothing is asked of it here.
"""
EDGE = 256


def seen(clip: Path) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks of the one face in each frame, ``(n, 68, 2)``, and vectors of every fifth."""
    arguments: Namespace = make_parser().parse_args(["extract", "-i", "x", "-o", "y"])
    finder, embed = make_finder(arguments), Identity()
    landmarks, vectors = [], []
    for frame, faces in finder.follow(open_source(clip).frames()):
        assert len(faces) == 1, f"{clip}: {len(faces)} faces in frame {frame.index + 1}"
        landmarks.append(faces[0].landmarks)
        if frame.index % 5 == 0:
            vectors.append(embed(frame.image, faces[0]))
    return np.array(landmarks), np.array(vectors)


def distance(vectors: np.ndarray, others: np.ndarray) -> float:
    return float(np.linalg.norm(vectors[:, None] - others[None], axis=2).mean())


def opening(landmarks: np.ndarray) -> np.ndarray:
    """Distance of the inner lips in each frame, in distances of the outer corners of the eyes."""
    lips = np.linalg.norm(landmarks[:, 62] - landmarks[:, 66], axis=1)
    return lips / np.linalg.norm(landmarks[:, 45] - landmarks[:, 36], axis=1)


@pytest.mark.slow
def test_the_swapped_clip_shows_the_other_person_doing_the_same(grid: Path, tmp_path: Path) -> None:
    if not find_spec("dlib") or not find_spec("face_recognition_models"):
        pytest.skip("dlib and its network are needed, and are not installed")
    clips = {side: grid.parent / f"{name}.mpg" for side, name in (("a", "bbaf2n"), ("b", "sbia1a"))}
    for side, clip in clips.items():
        assert main(["extract", "-i", str(clip), "-o", str(tmp_path / side)]) == 0
    faces = ["-A", str(tmp_path / "a"), "-B", str(tmp_path / "b")]
    model = str(tmp_path / "model")
    train = ["train", *faces, "-m", model, "-t", "compact", "-n", "-b", "8"]
    assert main([*train, "-it", str(ITERATIONS), "-s", str(ITERATIONS)]) == 0

    clip_of = {side: seen(clip) for side, clip in clips.items()}
    for side, other, direction in (("a", "b", []), ("b", "a", ["--swap-model"])):
        out = tmp_path / f"{side}.mp4"
        convert = ["convert", "-i", str(clips[side]), "-a", str(tmp_path / side), "-m", model]
        assert main([*convert, "-o", str(out), *direction]) == 0
        assert read_mark(out) == SOURCE_TYPE
        (source, as_source), (_, as_target) = clip_of[side], clip_of[other]
        landmarks, vectors = seen(out)
        assert len(landmarks) == len(source) == 75
        assert distance(vectors, as_target) < distance(vectors, as_source) - 0.1
        follows = np.corrcoef(opening(source), opening(landmarks))[0, 1]
        assert side == "a" or follows >= FOLLOWS


@pytest.mark.slow
def test_rendered_frames_come_nearer_to_the_truth(tmp_path: Path) -> None:
    people = [Person.random(np.random.default_rng(seed)) for seed in (1, 21)]
    for number, (side, who) in enumerate(zip("ab", people, strict=True)):
        write_faces(tmp_path / side, who, shots(number, 120), side, size=128)
    faces = ["-A", str(tmp_path / "a"), "-B", str(tmp_path / "b")]
    model, frames, out = (tmp_path / name for name in ("model", "frames", "out"))
    train = ["train", *faces, "-m", str(model), "-t", "compact", "-n", "-it", "250"]
    assert main([*train, "-b", "8", "-s", "250"]) == 0
    frames.mkdir()
    unseen = shots(7, 40)[::5]
    for number, shot in enumerate(unseen):
        cv2.imwrite(str(frames / f"{number}.png"), render(people[0], shot, EDGE).image)
    assert main(["convert", "-i", str(frames), "-o", str(out), "-m", str(model)]) == 0
    gains, of_frames = [], []
    for number, shot in enumerate(unseen):
        truth = render(people[1], shot, EDGE)
        # From brows to lips all is the model's; beyond, the edge fades into the source.
        inside = np.zeros((EDGE, EDGE), np.uint8)
        cv2.fillConvexPoly(inside, cv2.convexHull(truth.landmarks[17:].astype(np.int32)), 1)
        before, after = (
            np.square(cv2.imread(str(folder / f"{number}.png")).astype(float) - truth.image)
            for folder in (frames, out)
        )
        gains.append(after[inside > 0].mean() / before[inside > 0].mean())
        of_frames.append(after.mean() / before.mean())
    assert np.median(gains) < 0.8
    assert max(of_frames) < 1, "hair and neck are still the source's"


def shots(seed: int, count: int) -> list:
    """A performance in even light."""
    return [
        replace(shot, light=Light()) for shot in performance(np.random.default_rng(seed), count)
    ]
