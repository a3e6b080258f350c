"""How long a save holds a training run up, against Keras' own save of the same model."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.plugin import make_plugin, random_sides
from benchmarks.timing import parser, report, seconds
from lib.training.step import TrainingStep


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--model", default="compact", help="model plugin (default: compact)")
    options.add_argument("--batch", type=int, default=16, help="faces of each side (default: 16)")
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plugin = make_plugin(arguments.model, folder=Path(folder), keep_saves=1)
        run = Run(plugin, arguments.batch)
        begun = time.perf_counter()
        preparing = seconds(plugin.saves.prepare)
        plugin.saves.finish()
        drawing = time.perf_counter() - begun
        run.save()
        file = Path(folder) / "keras.keras"
        rounds = [
            (*run.save(), seconds(lambda: plugin.model.save(file)), *run.steps())
            for _ in range(arguments.rounds)
        ]
        megabytes = file.stat().st_size / 1e6
    stall, writing, saving_step, keras, step = map(statistics.median, zip(*rounds, strict=True))
    report(
        {
            "model": arguments.model,
            "batch": arguments.batch,
            "megabytes": megabytes,
            "prepare_seconds": preparing,
            "layout_seconds": drawing,
            "stall_seconds": stall,
            "most_stall_seconds": max(times[0] for times in rounds),
            "writing_seconds": writing,
            "step_seconds": step,
            "step_while_saving_seconds": saving_step,
            "keras_seconds": keras,
            "saving_step_vs_step": statistics.median(times[2] / times[4] for times in rounds),
            "stall_vs_keras": statistics.median(times[0] / times[3] for times in rounds),
        },
        arguments.json,
    )


class Run:
    """A model that trains on random pixels, and says what its saves take from it."""

    def __init__(self, plugin: Any, batch: int) -> None:
        self._plugin = plugin
        self._step = TrainingStep(plugin.model, plugin.config)
        self._batch = random_sides(plugin.model, batch)
        self._waited = 0.0
        self._step.before_update = lambda: self._wait(plugin.saves.let_go)
        self.steps()

    def _wait(self, wait: Callable[[], None]) -> None:
        self._waited += seconds(wait)

    def _train(self) -> float:
        return seconds(lambda: self._step([self._batch], 1e-4).losses.tolist())

    def steps(self, count: int = 3) -> tuple[float]:
        """Train a little; the median of the steps' seconds."""
        return (statistics.median(self._train() for _ in range(count)),)

    def save(self) -> tuple[float, float, float]:
        """Save, and train until that is done: seconds held up, until it is written, and a step."""
        self._waited, begun, steps = 0.0, time.perf_counter(), []
        self._wait(self._plugin.saves.begin)
        while self._plugin.saves.is_busy:
            steps.append(self._train())
        written = time.perf_counter() - begun
        self._plugin.saves.finish()
        return self._waited, written, statistics.median(steps)


if __name__ == "__main__":
    main()
