"""From the command to its first iteration, against the imports that every such program needs."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.faces import pair
from benchmarks.timing import parser, report, seconds

FIRST = "Saved at iteration 1"
"""What a new model says once its first iteration is done and on the disk."""
# Without `lib`, which keeps matplotlib from Keras.
IMPORTS = "import os; os.environ['KERAS_BACKEND'] = 'torch'; import torch, keras"


def main() -> None:
    options = parser(__doc__, rounds=3)
    options.add_argument("--model", default="compact", help="model plugin (default: compact)")
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        faces = pair(Path(folder))

        def first_iteration() -> float:
            with tempfile.TemporaryDirectory(dir=folder) as model:
                sides = ["-A", str(faces[0]), "-B", str(faces[1])]
                return until(FIRST, ["train", *sides, "-m", model, "-t", arguments.model, "-i1"])

        ways = [
            lambda: seconds(lambda: run(["-m", "faceswap", "--help"])),
            first_iteration,
            lambda: seconds(lambda: run(["-c", IMPORTS])),
        ]
        for way in ways:
            way()
        rounds = [[way() for way in ways] for _ in range(arguments.rounds)]
    helped, first, imports = map(statistics.median, zip(*rounds, strict=True))
    report(
        {
            "model": arguments.model,
            "help_seconds": helped,
            "first_iteration_seconds": first,
            "imports_seconds": imports,
            "vs_imports": statistics.median(times[1] / times[2] for times in rounds),
        },
        arguments.json,
    )


def run(words: list[str]) -> None:
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)


def until(text: str, words: list[str]) -> float:
    """Seconds until a command's output tells something; the command is let end after."""
    begun, taken = time.perf_counter(), 0.0
    with subprocess.Popen(
        [sys.executable, "-m", "faceswap", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if text in line and not taken:
                taken = time.perf_counter() - begun
    if not taken:
        raise SystemExit(f"faceswap {' '.join(words)}: never said '{text}'")
    return taken


if __name__ == "__main__":
    main()
