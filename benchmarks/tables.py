"""Figures of one day on one machine, kept in a file, and what has moved since the day before."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

FOLDER = Path(__file__).parent / "tables"
MOVED = 0.1
"""Change of a ratio that is told. Seconds move by a third on a shared machine: they are not."""

_RATIOS = ("vs_", "of_", "psnr", "ssim", "stall_vs", "peak_")
Figures = dict[tuple[str, str], float]


@dataclass(frozen=True)
class Table:
    """What all benchmarks measured at one time.

    Attributes
    ----------
    machine
        What they ran on.
    figures
        Value by benchmark and name.
    """

    machine: str
    figures: Figures

    def write(self, path: Path) -> None:
        lines = [f"# {self.machine}"]
        lines += [f"{run}\t{name}\t{value:.5g}" for (run, name), value in self.figures.items()]
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Table":
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        cells = [line.split("\t") for line in lines]
        return cls(first.removeprefix("# "), {(run, name): float(x) for run, name, x in cells})

    def moved(self, since: "Table") -> list[str]:
        """Ratios that differ by more than a tenth from those of an earlier table, in words."""
        return [
            f"{run}: {name} moved by {change:+.0%}, from {since.figures[run, name]:.4g} "
            f"to {value:.4g}"
            for (run, name), value in self.figures.items()
            if name.startswith(_RATIOS)
            and (earlier := since.figures.get((run, name)))
            and abs(change := value / earlier - 1) > MOVED
        ]


def this_machine() -> str:
    """The machine in words: processor, cores and card."""
    import torch

    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{_processor()}, {os.cpu_count()} cores, {card}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def last(machine: str, paths: Iterable[Path]) -> Table | None:
    """The newest of the tables in these files that is of a machine."""
    tables = (Table.read(path) for path in sorted(paths, reverse=True))
    return next((table for table in tables if table.machine == machine), None)


def new_path() -> Path:
    """Where a table of now goes."""
    return FOLDER / f"{datetime.now():%Y-%m-%d_%H%M}.tsv"
