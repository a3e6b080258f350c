"""Times two things in turn, so that a busy machine disturbs both alike."""

import argparse
import json
import statistics
import time
from collections.abc import Callable


def in_turn(ours: Callable[[], object], other: Callable[[], object], rounds: int):
    """Median seconds of each, and the median of the rounds' ratios ours / other."""
    ours(), other()
    pairs = [(seconds(ours), seconds(other)) for _ in range(rounds)]
    medians = [statistics.median(times) for times in zip(*pairs, strict=True)]
    return *medians, statistics.median(a / b for a, b in pairs)


def seconds(run: Callable[[], object]) -> float:
    """Seconds that something takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def report(figures: dict[str, object], as_json: bool) -> None:
    """Print figures as one line of JSON or as a table."""
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>20}  {value:.4g}" if isinstance(value, float) else f"{name:>20}  {value}")


def parser(text: str, rounds: int = 7) -> argparse.ArgumentParser:
    """Options that every benchmark has."""
    made = argparse.ArgumentParser(description=text)
    made.add_argument("--json", action="store_true", help="print one line of JSON")
    made.add_argument("--rounds", type=int, default=rounds, help="rounds to take the median of")
    return made
