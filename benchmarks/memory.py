"""Peak resident memory of a training run with its saves, against Keras' own training and save."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.faces import pair
from benchmarks.timing import parser, report

ITERATIONS = 3


def main() -> None:
    options = parser(__doc__, rounds=None)
    options.add_argument("--model", default="original", help="model plugin (default: original)")
    options.add_argument("--batch", type=int, default=16, help="faces of each side (default: 16)")
    arguments = options.parse_args()
    model, batch = arguments.model, str(arguments.batch)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        a, b = pair(folder)
        train = [
            *("-m", "faceswap", "train", "-A", str(a), "-B", str(b), "-m", str(folder / "model")),
            *("-t", model, "-b", batch, "-i", str(ITERATIONS), "-s", "2"),
        ]
        ours = peak(train)
        stored = folder / "keras.keras"
        by_keras = ["-m", "benchmarks.baseline_keras", model, batch, str(ITERATIONS), str(stored)]
        theirs = peak(by_keras)
    report(
        {
            "model": model,
            "batch": arguments.batch,
            "peak_megabytes": ours,
            "keras_peak_megabytes": theirs,
            "vs_keras": ours / theirs,
        },
        arguments.json,
    )


def peak(words: list[str]) -> float:
    """The most memory, in megabytes, that a Python program had resident at a time."""
    process = subprocess.Popen(
        [sys.executable, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(words)} failed")
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit / 1e6


if __name__ == "__main__":
    main()
