"""Times what is run, and prints what came of it."""

import argparse
import json
import time
from collections.abc import Callable

import torch


def seconds(run: Callable[[], object]) -> float:
    """Seconds that something takes, to the end of what it has told a graphics card to do."""
    synchronise()
    start = time.perf_counter()
    run()
    synchronise()
    return time.perf_counter() - start


def synchronise() -> None:
    """Wait for the graphics card, where one has been told to do something."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def report(figures: dict[str, object], as_json: bool) -> None:
    """Print figures as one line of JSON or as a table."""
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>20}  {value:.4g}" if isinstance(value, float) else f"{name:>20}  {value}")


def parser(text: str, rounds: int | None = 7) -> argparse.ArgumentParser:
    """Options that every benchmark has; ``--rounds`` only where there is a number for it."""
    made = argparse.ArgumentParser(description=text)
    made.add_argument("--json", action="store_true", help="print one line of JSON")
    if rounds:
        made.add_argument("--rounds", type=int, default=rounds, help="to take the median of")
    return made
