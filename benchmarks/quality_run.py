"""Trains a model as ``faceswap train`` does, but for saves, and scores it on the way."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.quality_curve import Clock, Point, Run
from benchmarks.quality_pairs import Pair
from lib.data.faceset import FaceSet
from lib.evaluation.score import Score, mean, score_faces
from lib.logs.console import ConsoleLine
from lib.model.averaging import averaged
from lib.model.predictor import Predictor, side_path
from plugins import loader
from scripts.arguments import make_parser

OTHER = {"a": "b", "b": "a"}


def train(
    name: str,
    pair: Pair,
    coverage: float,
    seed: int,
    batch: int,
    times: Sequence[float],
    clock: Clock,
) -> Run:
    """Train a new model.

    Parameters
    ----------
    name
        Of the model's plugin.
    pair
        Faces.
    coverage
        Per cent of a face's edge that is trained.
    seed
        0 or more.
    batch
        Faces of each side.
    times
        Seconds after which faces are scored, rising; the last ends the run.
    clock
        What these seconds are.
    """
    with tempfile.TemporaryDirectory() as folder:
        model, trainer = _set_up(name, pair, coverage, seed, batch, Path(folder))
        measured, curve = 0.0, []
        for due in times:
            while clock(model.iterations, measured) < due:
                start = time.perf_counter()
                trainer.train_one_step(None, None)
                measured += time.perf_counter() - start
            own, swap = _scores(model, pair)
            seconds = clock(model.iterations, measured)
            curve.append(Point.of(seconds, model.iterations, own, swap))
        trainer.close()
        return Run(seed, measured / model.iterations, curve)


def _set_up(
    name: str, pair: Pair, coverage: float, seed: int, batch: int, folder: Path
) -> tuple[Any, Any]:
    options_file = folder / "train.ini"
    options_file.write_text(f"[global]\ncoverage = {coverage}\n")
    arguments = make_parser().parse_args(
        [
            *("train", "-A", "given", "-B", "given", "-m", str(folder / "model"), "-t", name),
            *("-C", str(options_file), "--seed", str(seed), "--no-logs", "--allow-few"),
        ]
    )
    import keras  # not before lib, which says what backend it takes

    keras.utils.set_random_seed(seed)
    model = loader.load_model(name)(arguments.model_dir, arguments)
    model.build()
    make_trainer = loader.load_trainer(model.trainer)
    trainer = make_trainer(model, dict(pair.train), batch, arguments.configfile)
    trainer.console = ConsoleLine(interactive=False)
    return model, trainer


def _scores(model: Any, pair: Pair) -> tuple[Score, Score | None]:
    """Scores of the average of the weights: held-out, and swaps where their truth is known."""
    predictor = Predictor(
        {side: side_path(model.model, side) for side in "ab"},
        model.coverage_ratio,
        rgb=model.color_order == "rgb",
    )
    with averaged(model.model):
        own = _score(predictor, pair.held_out, pair.held_out, {"a": "a", "b": "b"})
        swap = _score(predictor, pair.held_out, pair.truth, OTHER) if pair.truth else None
    return own, swap


def _score(
    predictor: Predictor,
    faces: Mapping[str, FaceSet],
    truth: Mapping[str, FaceSet],
    shown_as: Mapping[str, str],
) -> Score:
    """Mean over both sides of how like the truth their faces are, each shown as a side would."""
    predicted = {side: predictor(faces[side].images, shown_as[side]) for side in "ab"}
    return mean([score_faces(truth[side], predicted[side], predictor.coverage) for side in "ab"])
