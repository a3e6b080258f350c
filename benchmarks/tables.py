"""Figures of one day on one machine, kept in a file, and what has moved since the day before."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

FOLDER = Path(__file__).parent / "tables"
SETTINGS = {"batch", "coverage", "size"}
"""What a benchmark was told, and says again beside its figures."""

RELATIVE = 0.1
"""Part of a ratio, or of megabytes, by which it has to differ to have moved."""

ABSOLUTE = {"psnr": 0.5, "ssim": 0.02, "share": 0.02}
"""The same in the figure's own unit: dB; SSIM; parts of a whole, small ones among them. Quality is
trained for a time, so that it varies with how fast the machine is."""

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
        """What has moved since an earlier table, and what only one of them has, in words."""
        told = []
        for run, name in {**since.figures, **self.figures}:
            earlier, now = (table.figures.get((run, name)) for table in (since, self))
            if change := _change(name, earlier, now):
                told.append(f"{run}: {name} {change}")
        return told


def _change(name: str, earlier: float | None, now: float | None) -> str | None:
    """How a figure has moved; None where it has not, or is none that can be compared.

    Seconds, and what is in a second, move by a third on a shared machine.
    """
    words = name.split("_")
    is_relative = not {"vs", "speedup", "megabytes"}.isdisjoint(words) or words[0] == "of"
    if not is_relative and words[-1] not in ABSOLUTE:
        return None
    if earlier is None:
        return f"is new: {now:.4g}"
    if now is None:
        return f"is missing; it was {earlier:.4g}"
    tolerance = RELATIVE * abs(earlier) if is_relative else ABSOLUTE[words[-1]]
    stays = abs(now - earlier) <= tolerance  # which no NaN does
    return None if stays else f"moved from {earlier:.4g} to {now:.4g}"


def this_machine() -> str:
    """The machine in words: processor, cores and card."""
    import torch

    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{_processor()}, {os.cpu_count()} cores, {card}"


def _processor() -> str:
    """The processor; with numbers, as a hired machine may give all of a maker's lines one name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = {name.strip(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    name = found.get("model name", platform.machine())
    numbers = [found[key] for key in ("cpu family", "model") if key in found]
    return f"{name} {'/'.join(numbers)}".strip()


def last(machine: str, paths: Iterable[Path]) -> Table | None:
    """The newest of the tables in these files that is of a machine."""
    tables = (Table.read(path) for path in sorted(paths, reverse=True))
    return next((table for table in tables if table.machine == machine), None)


def new_path() -> Path:
    """Where a table of now goes."""
    return FOLDER / f"{datetime.now():%Y-%m-%d_%H%M}.tsv"
