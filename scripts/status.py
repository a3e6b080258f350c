"""``faceswap status``: how a run fares, or how it ended."""

import json
import math
import shutil
import textwrap
import time
from collections.abc import Iterator

from lib.live.figures import duration, memory, rate, share
from lib.live.overview import Overview, overview
from lib.live.record import number
from lib.live.status import Status as Told
from lib.printable import printable
from scripts.command import Command

_LABEL = 12


class Status(Command):
    """The status command."""

    def process(self) -> None:
        """Print it.

        Raises
        ------
        FaceswapError
            The folder holds no model, or what the run left can't be read.
        """
        self.log()
        found = overview(self._args.model_dir)
        if self._args.json:
            print(json.dumps(found.as_json(), indent=1))
            return
        width = max(40, shutil.get_terminal_size().columns - 1)
        for label, text in lines(found, time.time()):
            line = printable(f"{label:{_LABEL}}{text}")
            print(textwrap.fill(line, width, subsequent_indent=" " * _LABEL))


def lines(found: Overview, now: float) -> Iterator[tuple[str, str]]:
    """Say it in words.

    Parameters
    ----------
    found
        What there is to say.
    now
        Seconds since 1970.

    Yields
    ------
    tuple
        A label and a text.
    """
    yield "Model", found.model
    if found.status is None:
        yield "Run", "none that has told how it fares"
    else:
        yield "Run", _run(found, found.status, now)
        yield from _figures(found, found.status)
    if found.saved:
        ago = duration(now - found.saved["time"])
        yield "Last save", f"at iteration {found.saved['iteration']:,}, {ago} ago"
    if found.held_out:
        yield "Held out", _score(found.held_out)
    if found.status is not None and found.status.options:
        values = (f"{name} {value}" for name, value in sorted(found.status.options.items()))
        yield "Options", ", ".join(values) + " (control ... set changes them)"
    for event in found.warnings:
        yield "Warning", f"{duration(now - event['time'])} ago: {event.get('text', '')}"


def _run(found: Overview, status: Told, now: float) -> str:
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(status.started))
    seen = duration(now - status.changed)
    match found.state:
        case "running":
            silent = f", silent for {seen}" if status.silent_for(now) else ""
            return f"{status.state}, process {status.pid} on '{status.host}' since {since}{silent}"
        case "killed":
            return f"killed, or its machine went down; last seen {seen} ago, begun {since}"
        case "failed":
            return f"failed {seen} ago, begun {since}: {status.message}"
        case _:
            return f"stopped with a save {seen} ago, begun {since}"


def _figures(found: Overview, status: Told) -> Iterator[tuple[str, str]]:
    of = "" if status.is_open_ended else f" of {status.end:,}"
    yield "Iteration", f"{status.iteration:,}{of}, begun at {status.begin:,}"
    if status.loss_a is not None and status.loss_b is not None:
        yield "Loss", f"A {status.loss_a:.5f}, B {status.loss_b:.5f}"
    if status.rate:
        waits = "" if status.waiting is None else f", {share(status.waiting)} waiting for data"
        yield "Rate", rate(status.rate) + waits
    if status.memory:
        yield "Memory", memory(status.memory)
    if found.state == "running" and status.seconds_to_save is not None:
        yield (
            "Next save",
            f"in {duration(status.seconds_to_save)}, at iteration {status.next_save:,}",
        )
        open_ended = "when it is stopped"
        yield "End", open_ended if status.is_open_ended else f"in {duration(status.seconds_to_end)}"


def _score(event: dict[str, object]) -> str:
    psnr, ssim = (
        "none" if math.isnan(value := number(event.get(name))) else f"{value:.{digits}f}"
        for name, digits in (("psnr", 2), ("ssim", 4))
    )
    return f"PSNR {psnr}, SSIM {ssim} at iteration {event['iteration']:,}"
