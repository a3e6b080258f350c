"""One training iteration, against Keras ``train_on_batch`` and plain PyTorch by hand."""

import statistics
from collections.abc import Callable
from typing import Any

import keras
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.plain_torch import MODELS, Plain, PlainStep
from benchmarks.plugin import make_plugin, precision, random_sides
from benchmarks.timing import parser, report, seconds
from lib.device import device, to_device
from lib.training.step import TrainingStep

EDGE, SGEMM = 64, 2048


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--model", default="compact", choices=MODELS, help="default: compact")
    options.add_argument("--batch", type=int, default=16, help="faces of each side (default: 16)")
    options.add_argument("--mixed", action="store_true", help="in bfloat16; the others in float32")
    arguments = options.parse_args()
    plugin = in_float32 = make_plugin(arguments.model, precision(mixed=False))
    if arguments.mixed:
        plugin = make_plugin(arguments.model, precision(mixed=True))
    feeds, targets = random_sides(plugin.model, arguments.batch)
    plain = MODELS[arguments.model]().to(device())
    left, right = (torch.rand(SGEMM, SGEMM, device=device()) for _ in range(2))
    ways = [
        ours(plugin, feeds, targets),
        by_keras(in_float32.model, feeds, targets),
        by_hand(plain, feeds, targets),
        lambda: left @ right,
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


def ours(
    plugin: Any, feeds: list[Tensor], targets: list[Tensor], *, is_shared: bool = False
) -> Callable[[], object]:
    """A step as ``faceswap train`` takes it; the loss is read back, as by the others."""
    step = TrainingStep(plugin.model, plugin.config, is_shared=is_shared)
    rate, momentum = plugin.config["learning_rate"], plugin.config["average_momentum"]
    return lambda: step([(feeds, targets)], rate, momentum).losses.tolist()


def by_keras(
    model: keras.Model, feeds: list[Tensor], targets: list[Tensor]
) -> Callable[[], object]:
    return lambda: model.train_on_batch(
        [to_device(x) for x in feeds], [to_device(x) for x in targets]
    )


def by_hand(model: Plain, feeds: list[Tensor], targets: list[Tensor]) -> Callable[[], object]:
    step = PlainStep(model)
    return lambda: step(feeds, targets)


def useful_flop(model: Plain, batch: int) -> int:
    """Floating-point operations of the model's products, forward and backward, both sides.

    Losses, activations and the optimizer are not counted: they are what it costs to get there.
    """
    with FlopCounterMode(display=False) as counter:
        faces = [torch.zeros(batch, 3, EDGE, EDGE, device=device()) for _ in "ab"]
        torch.stack([face.sum() for face in model(*faces)]).sum().backward()
    model.zero_grad(set_to_none=True)
    return counter.get_total_flops()


if __name__ == "__main__":
    main()
