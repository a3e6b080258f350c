"""Run every benchmark, keep the figures, and tell which have moved since the last time.

What is measured is in the table at once, so that a benchmark that fails costs the others nothing.
"""

import json
import subprocess
import sys
from pathlib import Path

from tqdm import tqdm

from benchmarks.tables import FOLDER, SETTINGS, Table, last, new_path, this_machine
from lib.device import has_bfloat16_units

RUNS = (
    "step --model compact",
    "step --model compact --mixed",
    "step --model original --rounds 3",
    "step --model original --mixed --rounds 3",
    "loader --size 64",
    "loader --size 256",
    "startup",
    "save --model compact",
    "save --model original --rounds 3",
    "memory --model original",
    "distributed --rounds 3",
    "convert",
    "page",
    "parts --model compact",
    "parts --model compact --mixed",
    "parts --model original --rounds 3",
    "quality --minutes 2",
)


def main() -> None:
    table, path = Table(this_machine(), {}), new_path()
    before = last(table.machine, FOLDER.glob("*.tsv"))
    failed = []
    runs = [run for run in RUNS if has_bfloat16_units() or "--mixed" not in run]
    if len(runs) < len(RUNS):
        print("No units for bfloat16 here, and ten times as slow in it: left out, --mixed")
    for run in (bar := tqdm(runs, unit="run", disable=None)):
        bar.set_description(run)
        measured = measure(run)
        if not measured:
            failed.append(run)
            continue
        for name, value in measured.items():
            table.figures[run, name] = value
            tqdm.write(f"{run:<34} {name:<26} {value:>10.4g}")
        table.write(path)
    tell(table, before, path)
    if failed:
        raise SystemExit(f"Failed, in words of their own above: {', '.join(failed)}")


def measure(run: str) -> dict[str, float]:
    """Figures that a benchmark prints, but for its settings; none where it fails."""
    name, *options = run.split()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *options, "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        return {}
    printed = json.loads(done.stdout.splitlines()[-1])
    return {
        name: value
        for name, value in printed.items()
        if isinstance(value, int | float) and name not in SETTINGS
    }


def tell(table: Table, before: Table | None, path: Path) -> None:
    """Say where the figures are, and what has moved."""
    if not table.figures:
        return
    print(f"{table.machine}: kept in {path}")
    if before is None:
        print("It is the first table of this machine: there is nothing to compare with")
    else:
        print("\n".join(table.moved(before)) or "Nothing that can be compared has moved")


if __name__ == "__main__":
    main()
