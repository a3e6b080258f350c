"""Two processes of one thread each, against one: faces a second of the whole training step."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path

import numpy as np

from benchmarks.timing import parser, report
from lib.training import distributed
from lib.training.step import TrainingStep
from plugins import loader

WARM_UP = 2


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--model", default="compact", help="model plugin (default: compact)")
    options.add_argument("--batch", type=int, default=16, help="faces of each side (default: 16)")
    options.add_argument("--steps", type=int, default=6, help="iterations a round (default: 6)")
    arguments = options.parse_args()
    if "RANK" in os.environ:
        world = distributed.join()
        seconds = time_steps(world, arguments)
        if world.is_first:
            print(seconds)
        distributed.leave()
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
    done = subprocess.run(
        [sys.executable, "-m", *torchrun, "-m", "benchmarks.distributed", *own],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    seconds = json.loads(done.stdout)
    return processes * arguments.batch * arguments.steps / float(seconds)


def time_steps(world: distributed.World, arguments: argparse.Namespace) -> float:
    """Seconds that the steps of one of the processes take."""
    with tempfile.TemporaryDirectory() as folder:
        options_file = Path(folder) / "train.ini"
        options_file.write_text("")
        configuration = Namespace(configfile=str(options_file))
        plugin = loader.load_model(arguments.model)(folder, configuration)
        plugin.build()
    rng = np.random.default_rng(world.rank)

    def pixels(size: int, channels: int) -> np.ndarray:
        return rng.integers(0, 256, (arguments.batch, size, size, channels), dtype=np.uint8)

    feeds = [pixels(tensor.shape[1], 3) for tensor in plugin.model.inputs]
    targets = [pixels(tensor.shape[1], 6) for tensor in plugin.model.outputs]
    step = TrainingStep(plugin.model, plugin.config, is_shared=world.size > 1)
    rate, momentum = plugin.config["learning_rate"], plugin.config["average_momentum"]
    for number in range(WARM_UP + arguments.steps):
        if number == WARM_UP:
            world.agree(False)  # all begin at once
            start = time.perf_counter()
        step([(feeds, targets)], rate, momentum).losses.tolist()
        world.agree(False)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
