"""One training iteration, against Keras ``train_on_batch`` and plain PyTorch by hand."""

import statistics
import tempfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.plain_torch import MODELS, Plain, PlainStep
from benchmarks.timing import parser, report, seconds
from lib.training.device import to_device
from lib.training.step import TrainingStep
from plugins import loader

EDGE, SGEMM = 64, 2048


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--model", default="compact", choices=MODELS, help="default: compact")
    options.add_argument("--batch", type=int, default=16, help="faces of each side (default: 16)")
    options.add_argument("--mixed", action="store_true", help="in bfloat16; the others in float32")
    arguments = options.parse_args()
    plugin, in_float32 = make_plugin(arguments.model), None
    if arguments.mixed:
        plugin, in_float32 = make_plugin(arguments.model, mixed=True), plugin
    rng = np.random.default_rng(0)

    def pixels(channels: int) -> list[np.ndarray]:
        shape = (arguments.batch, EDGE, EDGE, channels)
        return [rng.integers(0, 256, shape, np.uint8) for _ in range(2)]

    feeds, targets = pixels(3), pixels(6)
    plain = MODELS[arguments.model]()
    ways = [
        ours(plugin, feeds, targets),
        by_keras((in_float32 or plugin).model, feeds, targets),
        by_hand(plain, feeds, targets),
        _sgemm,
    ]
    for way in ways:
        way()
    rounds = [[seconds(way) for way in ways] for _ in range(arguments.rounds)]
    own, keras_seconds, torch_seconds, sgemm = map(statistics.median, zip(*rounds, strict=True))
    work = useful_flop(plain, arguments.batch)
    report(
        {
            "model": arguments.model,
            "batch": arguments.batch,
            "precision": "bfloat16" if arguments.mixed else "float32",
            "seconds": own,
            "keras_seconds": keras_seconds,
            "torch_seconds": torch_seconds,
            "vs_keras": statistics.median(times[0] / times[1] for times in rounds),
            "vs_torch": statistics.median(times[0] / times[2] for times in rounds),
            "gflops": work / own / 1e9,
            "sgemm_gflops": 2 * SGEMM**3 / sgemm / 1e9,
            "of_sgemm": statistics.median(work / t[0] / (2 * SGEMM**3 / t[3]) for t in rounds),
        },
        arguments.json,
    )


def make_plugin(model: str, *, mixed: bool = False) -> Any:
    """A new model, ready to train, with its default options but for the precision.

    Nothing of it is on the disk.
    """
    with tempfile.TemporaryDirectory() as folder:
        options_file = Path(folder) / "train.ini"
        sections = ("global", "model.compact")
        options_file.write_text("".join(f"[{x}]\nmixed_precision = {mixed}\n" for x in sections))
        plugin = loader.load_model(model)(folder, Namespace(configfile=str(options_file)))
        plugin.build()
    return plugin


def ours(plugin: Any, feeds: list[np.ndarray], targets: list[np.ndarray]) -> Callable[[], object]:
    """A step as ``faceswap train`` takes it; the loss is read back, as by the others."""
    step = TrainingStep(plugin.model, plugin.config)
    rate, momentum = plugin.config["learning_rate"], plugin.config["average_momentum"]
    return lambda: step([(feeds, targets)], rate, momentum).losses.tolist()


def by_keras(
    model: keras.Model, feeds: list[np.ndarray], targets: list[np.ndarray]
) -> Callable[[], object]:
    return lambda: model.train_on_batch(
        [to_device(x) for x in feeds], [to_device(x) for x in targets]
    )


def by_hand(
    model: Plain, feeds: list[np.ndarray], targets: list[np.ndarray]
) -> Callable[[], object]:
    step = PlainStep(model)
    inputs, truths = ([torch.from_numpy(x) for x in kind] for kind in (feeds, targets))
    return lambda: step(inputs, truths)


_LEFT, _RIGHT = (torch.rand(SGEMM, SGEMM) for _ in range(2))


def _sgemm() -> object:
    return _LEFT @ _RIGHT


def useful_flop(model: Plain, batch: int) -> int:
    """Floating-point operations of the model's products, forward and backward, both sides.

    Losses, activations and the optimizer are not counted: they are what it costs to get there.
    """
    with FlopCounterMode(display=False) as counter:
        faces = [torch.zeros(batch, 3, EDGE, EDGE) for _ in range(2)]
        torch.stack([face.sum() for face in model(*faces)]).sum().backward()
    model.zero_grad(set_to_none=True)
    return counter.get_total_flops()


if __name__ == "__main__":
    main()
