"""How good a model's faces are after some minutes of training, on faces held out."""

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import mean

from tqdm import tqdm

from benchmarks.quality_curve import Clock, Point, Result, Run
from benchmarks.quality_figure import write_figure
from benchmarks.quality_pairs import PAIRS
from benchmarks.quality_run import train

SHARES = 0.05, 0.1, 0.2, 0.5, 1
"""Parts of the whole time after which faces are scored."""


def main() -> None:
    arguments = _arguments()
    clock = Clock(arguments.seconds_per_iteration)
    times = [60 * arguments.minutes * share for share in SHARES]
    with tempfile.TemporaryDirectory() as folder:
        pair = PAIRS[arguments.pair](Path(folder))
        runs = {
            coverage: [
                train(arguments.model, pair, coverage, seed, arguments.batch, times, clock)
                for seed in tqdm(arguments.seeds, f"Training, {coverage:g} %", disable=None)
            ]
            for coverage in arguments.coverage
        }
    found = [_result(arguments, clock, coverage, those) for coverage, those in runs.items()]
    for result in found:
        _report(result, as_json=arguments.json)
    if arguments.png:
        write_figure(arguments.png, found)


def _arguments() -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--model", default="compact", help="model plugin (default: compact)")
    made.add_argument("--pair", choices=PAIRS, default="grid", help="faces (default: grid)")
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
    if arguments.minutes <= 0:
        made.error("--minutes must be above 0")
    return arguments


def _result(
    arguments: argparse.Namespace, clock: Clock, coverage: float, runs: list[Run]
) -> Result:
    return Result(
        arguments.model,
        arguments.pair,
        coverage,
        arguments.batch,
        arguments.seeds,
        str(clock),
        mean(run.seconds_per_iteration for run in runs),
        [_mean(points) for points in zip(*(run.curve for run in runs), strict=True)],
        runs,
    )


def _mean(points: tuple[Point, ...]) -> dict[str, float]:
    """Mean of every figure that the points have."""
    rows = [asdict(point) for point in points]
    names = [name for name, value in rows[0].items() if value is not None]
    return {name: mean(row[name] for row in rows) for name in names}


def _report(result: Result, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**asdict(result), **result.curve[-1]}))
        return
    print(
        f"\n{result.model}, {result.pair} pair, coverage {result.coverage:g} %, batch "
        f"{result.batch}, mean of seeds {result.seeds}; time {result.clock} "
        f"({result.seconds_per_iteration:.3f} s an iteration here)"
    )
    print("".join(f"{name:>12}" for name in result.curve[0]))
    for point in result.curve:
        print("".join(f"{value:12.4g}" for value in point.values()))


if __name__ == "__main__":
    main()
