"""Two processes of one thread each, against one: faces a second of the whole training step.

Each takes a graphics card where there are two; with fewer, all compute on the processor.
"""

import argparse
import os
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

import torch

from benchmarks.timing import parser, report, seconds
from lib.gpus import take_own

if TYPE_CHECKING:
    from lib.training.distributed import World

WARM_UP = 2


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--model", default="compact", help="model plugin (default: compact)")
    options.add_argument("--batch", type=int, default=16, help="faces of each side (default: 16)")
    options.add_argument("--steps", type=int, default=6, help="iterations a round (default: 6)")
    arguments = options.parse_args()
    if "RANK" in os.environ:
        train(arguments)
        return
    rounds = [
        [faces_per_second(arguments, processes) for processes in (1, 2)]
        for _ in range(arguments.rounds)
    ]
    one, two = (statistics.median(speeds) for speeds in zip(*rounds, strict=True))
    report(
        {
            "model": arguments.model,
            "faces_per_second_1": one,
            "faces_per_second_2": two,
            "speedup": statistics.median(pair[1] / pair[0] for pair in rounds),
        },
        arguments.json,
    )


def faces_per_second(arguments: argparse.Namespace, processes: int) -> float:
    """Faces of a side, all processes together, in the time of the slowest."""
    torchrun = ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    own = [f"--{name}={getattr(arguments, name)}" for name in ("model", "batch", "steps")]
    cards = {} if torch.cuda.device_count() > 1 else {"CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, "-m", *torchrun, "-m", "benchmarks.distributed", *own],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1", **cards},
    )
    return processes * arguments.batch * arguments.steps / float(done.stdout)


def train(arguments: argparse.Namespace) -> None:
    """Be one of the processes; the first prints the seconds that the steps take."""
    take_own()
    from lib.training import distributed  # not before: Keras reads the name of its card but once

    world = distributed.join()
    taken = time_steps(world, arguments)
    if world.is_first:
        print(taken)
    distributed.leave()


def time_steps(world: "World", arguments: argparse.Namespace) -> float:
    """Seconds that the steps of one of the processes take."""
    from benchmarks.plugin import make_plugin, random_sides
    from benchmarks.step import ours

    plugin = make_plugin(arguments.model)
    sides = random_sides(plugin.model, arguments.batch)
    step = ours(plugin, *sides, is_shared=world.size > 1)

    def steps(count: int) -> None:
        for _ in range(count):
            step()
            world.agree(False)

    steps(WARM_UP)  # by its last word all begin at once
    return seconds(lambda: steps(arguments.steps))


if __name__ == "__main__":
    main()
