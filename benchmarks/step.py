"""One training iteration, against Keras ``train_on_batch`` on the same model and losses."""

import tempfile
from argparse import Namespace
from pathlib import Path

import numpy as np

from benchmarks.timing import in_turn, parser, report
from lib.training.device import to_device
from lib.training.step import TrainingStep
from plugins import loader


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--model", default="compact", help="model plugin (default: compact)")
    options.add_argument("--batch", type=int, default=16, help="faces of each side (default: 16)")
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options_file = Path(folder) / "train.ini"
        options_file.write_text("")
        configuration = Namespace(configfile=str(options_file))
        plugin = loader.load_model(arguments.model)(folder, configuration)
        plugin.build()
    model = plugin.model
    rng = np.random.default_rng(0)

    def pixels(size: int, channels: int) -> np.ndarray:
        return rng.integers(0, 256, (arguments.batch, size, size, channels), dtype=np.uint8)

    feeds = [pixels(tensor.shape[1], 3) for tensor in model.inputs]
    targets = [pixels(tensor.shape[1], 6) for tensor in model.outputs]
    step = TrainingStep(model, plugin.config)
    rate, momentum = plugin.config["learning_rate"], plugin.config["average_momentum"]

    def ours() -> None:
        step([(feeds, targets)], rate, momentum).losses.tolist()

    def keras() -> None:
        model.train_on_batch([to_device(x) for x in feeds], [to_device(x) for x in targets])

    seconds, keras_seconds, ratio = in_turn(ours, keras, arguments.rounds)
    report(
        {
            "model": arguments.model,
            "batch": arguments.batch,
            "seconds": seconds,
            "keras_seconds": keras_seconds,
            "vs_keras": ratio,
        },
        arguments.json,
    )


if __name__ == "__main__":
    main()
