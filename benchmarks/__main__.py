"""Run every benchmark, keep the figures, and tell which have moved since the last time."""

import json
import subprocess
import sys

from tqdm import tqdm

from benchmarks.tables import FOLDER, Table, last, new_path, this_machine

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
    "parts --model compact",
    "parts --model original --rounds 3",
    "quality --minutes 2",
)


def main() -> None:
    figures: dict[tuple[str, str], float] = {}
    for run in (bar := tqdm(RUNS, unit="run", disable=None)):
        bar.set_description(run)
        for name, value in measure(run).items():
            if isinstance(value, int | float):
                figures[run, name] = value
                tqdm.write(f"{run:<34} {name:<26} {value:>10.4g}")
    table = Table(this_machine(), figures)
    before = last(table.machine, FOLDER.glob("*.tsv"))
    path = new_path()
    table.write(path)
    print(f"{table.machine}: kept in {path}")
    if before is None:
        print("It is the first table of this machine: there is nothing to compare with")
    else:
        print("\n".join(table.moved(before)) or "No ratio moved by more than 10 % since the last")


def measure(run: str) -> dict[str, object]:
    """Figures that a benchmark prints."""
    name, *options = run.split()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *options, "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"benchmarks.{name} failed; its own words are above")
    figures: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return figures


if __name__ == "__main__":
    main()
