"""How good a model's faces are after some minutes of training, on faces held out."""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

import keras
from tqdm import tqdm

from benchmarks.plugin import make_plugin
from benchmarks.quality_figure import write_figure
from benchmarks.quality_pairs import PAIRS, Pair, pair_at_hand
from benchmarks.timing import synchronise
from lib.data.faceset import FaceSet
from lib.evaluation.score import Score, score_faces
from lib.evaluation.score import mean as mean_score
from lib.logs.console import ConsoleLine
from lib.model.averaging import averaged
from lib.model.predictor import Predictor, side_path
from plugins import loader

SHARES = 0.05, 0.1, 0.2, 0.5, 1
"""Parts of the whole time after which faces are scored."""

OWN, OTHER = {"a": "a", "b": "b"}, {"a": "b", "b": "a"}

Point = dict[str, float | None]
"""Seconds of training and iterations; held-out score, psnr in dB and ssim; swap_psnr and swap_ssim,
the same of swaps against the truth, None where nobody knows that."""


def main() -> None:
    arguments = _arguments()
    arguments.pair = arguments.pair or pair_at_hand()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        pair = PAIRS[arguments.pair](Path(folder))
        for coverage in arguments.coverage:
            seeds = tqdm(arguments.seeds, f"Training, {coverage:g} %", disable=None)
            runs = [train(arguments, pair, coverage, seed) for seed in seeds]
            results.append(_result(arguments, coverage, runs))
            _report(results[-1], as_json=arguments.json)
    if arguments.png:
        write_figure(arguments.png, results)


def _arguments() -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--model", default="compact", help="model plugin (default: compact)")
    made.add_argument("--pair", choices=PAIRS, help="faces (default: grid if it is at hand)")
    made.add_argument("--minutes", type=float, default=10, help="of training (default: 10)")
    made.add_argument("--seeds", type=int, nargs="+", default=[0], help="a run each (default: 0)")
    made.add_argument("--batch", type=int, default=16, help="faces of each side (default: 16)")
    made.add_argument(
        "--coverage",
        type=float,
        nargs="+",
        default=[68.75],
        help="per cent; runs of their own for each (default: 68.75)",
    )
    made.add_argument(
        "--seconds-per-iteration",
        type=float,
        metavar="S",
        help="count every iteration as this long, as on a quiet machine, and not as it was here",
    )
    made.add_argument("--json", action="store_true", help="print one line of JSON a coverage")
    made.add_argument("--png", metavar="FILE", help="draw the curves")
    arguments = made.parse_args()
    for name in ("minutes", "seconds_per_iteration"):
        if (value := getattr(arguments, name)) is not None and value <= 0:
            made.error(f"--{name.replace('_', '-')} must be above 0")
    return arguments


def train(arguments: argparse.Namespace, pair: Pair, coverage: float, seed: int) -> dict[str, Any]:
    """Train a new model as ``faceswap train`` does, but for saves, and score it on the way.

    Returns
    -------
    dict
        ``seed``; ``seconds_per_iteration``, as it was here; and ``curve``, a `Point` for each time
        of scoring, which is left out of the seconds.
    """
    each, measured, curve = arguments.seconds_per_iteration, 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        model, trainer = _set_up(arguments, pair, coverage, seed, Path(folder))

        def seconds() -> float:
            return each * model.iterations if each else measured

        for share in SHARES:
            start = time.perf_counter() - measured
            while seconds() < 60 * arguments.minutes * share:
                trainer.train_one_step(None, None)
                measured = time.perf_counter() - start
            synchronise()
            measured = time.perf_counter() - start
            scores = _scores(model, pair)
            curve.append({"seconds": seconds(), "iterations": model.iterations, **scores})
        trainer.close()
    return {"seed": seed, "seconds_per_iteration": measured / model.iterations, "curve": curve}


def _set_up(
    arguments: argparse.Namespace, pair: Pair, coverage: float, seed: int, folder: Path
) -> tuple[Any, Any]:
    keras.utils.set_random_seed(seed)
    options = f"[global]\ncoverage = {coverage}\n"
    run = {"seed": seed, "no_logs": True, "allow_few": True}
    model = make_plugin(arguments.model, options, folder, **run)
    configfile = model.command_line_arguments.configfile
    make_trainer = loader.load_trainer(model.trainer)
    trainer = make_trainer(model, dict(pair.train), arguments.batch, configfile)
    trainer.console = ConsoleLine(interactive=False)
    return model, trainer


def _scores(model: Any, pair: Pair) -> Point:
    """Scores of the average of the weights: held-out, and swaps where their truth is known."""
    predictor = Predictor(
        {side: side_path(model.model, side) for side in "ab"},
        model.coverage_ratio,
        rgb=model.color_order == "rgb",
    )

    def score(truth: Mapping[str, FaceSet], shown_as: Mapping[str, str]) -> Score:
        shown = {side: predictor(pair.held_out[side].images, shown_as[side]) for side in "ab"}
        return mean_score([score_faces(truth[x], shown[x], predictor.coverage) for x in "ab"])

    with averaged(model.model):
        own = score(pair.held_out, OWN)
        swap = score(pair.truth, OTHER) if pair.truth else None
    return {
        "psnr": own.psnr,
        "ssim": own.ssim,
        "swap_psnr": swap and swap.psnr,
        "swap_ssim": swap and swap.ssim,
    }


def _result(
    arguments: argparse.Namespace, coverage: float, runs: list[dict[str, Any]]
) -> dict[str, Any]:
    each = arguments.seconds_per_iteration
    return {
        "model": arguments.model,
        "pair": arguments.pair,
        "coverage": coverage,
        "batch": arguments.batch,
        "seeds": arguments.seeds,
        "clock": f"{each:g} s an iteration, as on a quiet machine" if each else "as measured",
        "seconds_per_iteration": mean(run["seconds_per_iteration"] for run in runs),
        "curve": [_mean(points) for points in zip(*(run["curve"] for run in runs), strict=True)],
        "runs": runs,
    }


def _mean(points: tuple[Point, ...]) -> dict[str, float]:
    """Mean of every figure that is known."""
    names = [name for name, value in points[0].items() if value is not None]
    return {name: mean(point[name] for point in points) for name in names}


def _report(result: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the curve; as JSON, with its last point once more beside it."""
    curve = result["curve"]
    if as_json:
        print(json.dumps({**result, **curve[-1]}), flush=True)
        return
    print(
        f"\n{result['model']}, {result['pair']} pair, coverage {result['coverage']:g} %, batch "
        f"{result['batch']}, mean of seeds {result['seeds']}; time {result['clock']} "
        f"({result['seconds_per_iteration']:.3f} s an iteration here)"
    )
    print("".join(f"{name:>12}" for name in curve[0]))
    for point in curve:
        print("".join(f"{value:12.4g}" for value in point.values()))


if __name__ == "__main__":
    main()
