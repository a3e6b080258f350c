"""Where the time of an iteration goes."""

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.faces import pair
from benchmarks.plugin import make_plugin, precision
from benchmarks.timing import parser, report, seconds
from lib.align.geometry import face_edge
from lib.data.augment import Augmentation
from lib.data.batches import Batches
from lib.data.faceset import Cut, load_faces
from lib.data.files import find_images
from lib.data.plan import Planner
from lib.training.step import TrainingStep

COVERAGE, SIZE = 0.6875, 64


class Parts:
    """Seconds spent in parts of a step, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            results = []
            taken = seconds(lambda: results.append(function(*args, **kwargs)))
            self.seconds[name] = self.seconds.get(name, 0) + taken
            return results[0]

        return call


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--model", default="compact", help="model plugin (default: compact)")
    options.add_argument("--batch", type=int, default=16, help="faces of each side (default: 16)")
    options.add_argument("--mixed", action="store_true", help="in bfloat16, not in float32")
    arguments = options.parse_args()
    plugin = make_plugin(arguments.model, precision(arguments.mixed))
    parts = Parts()
    step = _instrumented(plugin, parts)
    rate, momentum = plugin.config["learning_rate"], plugin.config["average_momentum"]
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        makers = [_batches(path, arguments.batch) for path in pair(Path(folder))]
        for number in range(arguments.rounds + 1):
            parts.seconds = {}
            make = parts.timed("data", Batches.batch)
            batches = [make(maker, number) for maker in makers]
            sides = [batch.feed for batch in batches], [batch.targets[0] for batch in batches]
            parts.timed("whole", step)([sides], rate, momentum).losses.tolist()
            rounds.append(parts.seconds)
    medians = {name: statistics.median(times[name] for times in rounds[1:]) for name in rounds[0]}
    step_seconds = medians.pop("whole")
    data = medians.pop("data")
    rest = step_seconds - sum(medians.values())
    report(
        {
            "model": arguments.model,
            "batch": arguments.batch,
            "precision": "bfloat16" if arguments.mixed else "float32",
            "step_seconds": step_seconds,
            **{f"{name}_share": value / step_seconds for name, value in medians.items()},
            "rest_share": rest / step_seconds,
            "data_vs_step": data / step_seconds,
        },
        arguments.json,
    )


def _instrumented(plugin: Any, parts: Parts) -> TrainingStep:
    step = TrainingStep(plugin.model, plugin.config)
    inner = step._losses
    inner._graph = parts.timed("forward", inner._graph)
    inner._losses = [parts.timed("losses", loss) for loss in inner._losses]
    step._update = parts.timed("optimizer", step._update)
    torch.autograd.backward = parts.timed("backward", torch.autograd.backward)
    return step


def _batches(folder: Path, batch: int) -> Batches:
    cut = Cut(face_edge(SIZE, COVERAGE), "face", "extended", mask_blur_kernel=3, mask_threshold=4)
    faces, _ = load_faces(find_images(str(folder)), cut, "Faces")
    return Batches(Planner(faces, SIZE, [SIZE], COVERAGE, Augmentation(), batch, 0, "a"))


if __name__ == "__main__":
    main()
