"""Batches with all augmentation on, on one core, against one picture at a time from its file.

Times are those that the core spent on it, whatever else the machine did.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from benchmarks.baseline import training_pair
from benchmarks.faces import SPEAKERS
from benchmarks.timing import parser, report
from lib.align.geometry import face_edge, window_edge
from lib.data.augment import Augmentation
from lib.data.batches import Batches
from lib.data.faceset import Cut, load_faces
from lib.data.files import find_images
from lib.data.plan import Planner
from lib.synthetic.dataset import write_faces
from lib.synthetic.parameters import Identity
from lib.synthetic.performance import performance

COVERAGE = 0.6875
BATCH = 16


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--faces", help="folder of faces (default: real ones, else rendered)")
    options.add_argument("--size", type=int, default=64, help="pixels of the model (default: 64)")
    arguments = options.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.faces is None and SPEAKERS[0].is_dir():
            arguments.faces = str(SPEAKERS[0])
        if arguments.faces is None:
            rng = np.random.default_rng(0)
            write_faces(Path(folder), Identity.random(rng), performance(rng, 64), "face")
        paths = find_images(arguments.faces or folder)
        where = Path(arguments.faces).resolve().name if arguments.faces else "rendered"
        _measure(arguments, paths, f"{len(paths)}, {where}")


def _measure(arguments, paths: list[str], name: str) -> None:
    edge = face_edge(arguments.size, COVERAGE)
    cut = Cut(edge, "face", "extended", mask_blur_kernel=3, mask_threshold=4)
    faces, _ = load_faces(paths, cut, "Faces")
    planner = Planner(
        faces, arguments.size, [arguments.size], COVERAGE, Augmentation(), BATCH, 0, "a"
    )
    batches = Batches(planner)
    rng = np.random.default_rng(0)
    iteration = iter(range(10**9))
    window = window_edge(edge, COVERAGE)

    def ours() -> None:
        for _ in range(8):
            batches.batch(next(iteration))

    def baseline() -> None:
        for path in rng.choice(paths, BATCH):
            training_pair(path, cut, window, arguments.size, rng)

    ours(), baseline()
    rounds = [(core_seconds(ours), core_seconds(baseline)) for _ in range(arguments.rounds)]
    seconds, other = (statistics.median(times) for times in zip(*rounds, strict=True))
    ratio = statistics.median(a / b for a, b in rounds)
    report(
        {
            "size": arguments.size,
            "faces": name,
            "faces_per_second": 8 * BATCH / seconds,
            "baseline_faces_per_second": BATCH / other,
            "vs_baseline": 8 / ratio,
        },
        arguments.json,
    )


def core_seconds(run: Callable[[], object]) -> float:
    """Seconds that this thread spends at work."""
    start = time.thread_time()
    run()
    return time.thread_time() - start


if __name__ == "__main__":
    main()
