"""How long a save holds training up, against Keras' own save of the same model."""

import statistics
import tempfile
from argparse import Namespace
from pathlib import Path

from benchmarks.timing import parser, report, seconds
from plugins import loader


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--model", default="compact", help="model plugin (default: compact)")
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options_file = Path(folder) / "train.ini"
        options_file.write_text("")
        configuration = Namespace(configfile=str(options_file), keep_saves=1)
        plugin = loader.load_model(arguments.model)(str(Path(folder) / "model"), configuration)
        plugin.build()
        plugin.saves.prepare()
        file = Path(folder) / "keras.keras"
        plugin.save()
        rounds = [
            (
                seconds(plugin.saves.begin),
                seconds(plugin.saves.finish),
                seconds(lambda: plugin.model.save(file)),
            )
            for _ in range(arguments.rounds)
        ]
        megabytes = file.stat().st_size / 1e6
    stall, writing, keras = (statistics.median(times) for times in zip(*rounds, strict=True))
    report(
        {
            "model": arguments.model,
            "megabytes": megabytes,
            "stall_seconds": stall,
            "writing_seconds": writing,
            "keras_seconds": keras,
            "stall_vs_keras": statistics.median(ours / other for ours, _, other in rounds),
        },
        arguments.json,
    )


if __name__ == "__main__":
    main()
