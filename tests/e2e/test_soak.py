"""A long run takes no more of the machine at its end than at its beginning."""

import contextlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

ITERATIONS = 5_000
WARM = 1_000
"""Iterations after which all that is taken once has been taken."""
MEGABYTES = 20


@dataclass(frozen=True)
class Sample:
    """What a process takes at an iteration."""

    iteration: int
    megabytes: float
    files: int
    threads: int

    @classmethod
    def of(cls, pid: int, iteration: int) -> "Sample":
        about = Path(f"/proc/{pid}")
        pages = int((about / "statm").read_text().split()[1])
        return cls(
            iteration,
            pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
            len(os.listdir(about / "fd")),
            len(os.listdir(about / "task")),
        )


def last_save(run) -> int:
    found = re.findall(r"^Saved at iteration (\d+)", run.printed, re.MULTILINE)
    return int(found[-1]) if found else 0


def sampled(run) -> list[Sample]:
    """A sample at each save, until the run is over."""
    samples = [Sample.of(run.pid, 0)]
    while run.is_alive:
        at = samples[-1].iteration
        time.sleep(0.02)
        if last_save(run) > at:
            with contextlib.suppress(FileNotFoundError):  # it has just come to its end
                samples.append(Sample.of(run.pid, last_save(run)))
    return samples


@pytest.mark.slow
def test_memory_files_and_threads_do_not_grow(train: Callable) -> None:
    words = ["--holdout", "0.1", "--evaluate-interval", "500", "--allow-few", "-w", "-s", "100"]
    run = train("-it", str(ITERATIONS), *words)
    samples = sampled(run)
    assert run.wait() == 0, run.printed
    warm = [sample for sample in samples if sample.iteration >= WARM]
    print(f"\n{len(warm)} samples, from {warm[0]} to {warm[-1]}")
    assert len(warm) > 20
    sizes = [sample.megabytes for sample in warm]
    assert max(sizes) - min(sizes) < MEGABYTES, sizes
    half = len(warm) // 2
    for what in ("files", "threads"):
        counts = [getattr(sample, what) for sample in warm]
        assert median(counts[:half]) == median(counts[half:]), (what, counts)
        assert max(counts) - min(counts) <= 4, (what, counts)
