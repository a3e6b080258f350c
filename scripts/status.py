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
    if found.held_out:
        yield "Held out", _score(found.held_out)
    if saves := "; ".join(_saves(found, now)):
        yield "Saves", saves
    if found.status is not None and (options := _options(found.status)):
        yield "Options", options
    if early := len(found.early_warnings):
        yield "Warnings", f"{early} as it began, told in {found.model}_log.jsonl"
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
    yield "Iteration", _progress(found, status)
    if status.loss_a is not None and status.loss_b is not None:
        yield "Loss", f"A {status.loss_a:.5f}, B {status.loss_b:.5f}"
    if status.rate:
        waits = "" if status.waiting is None else f", {share(status.waiting)} waiting for data"
        takes = "" if status.memory is None else f", {memory(status.memory)} of memory"
        yield "Rate", rate(status.rate) + waits + takes


def _progress(found: Overview, status: Told) -> str:
    parts = [f"{status.iteration:,}"]
    if found.state != "running" and not status.begin <= status.iteration <= status.end:
        return parts[0]  # the model was restored to what is none of this run
    if not status.is_open_ended:
        parts[0] += f" of {status.end:,}"
    if status.begin:
        parts.append(f"begun at {status.begin:,}")
    if found.state == "running" and status.is_open_ended:
        parts.append("ends when it is stopped")
    elif found.state == "running" and status.seconds_to_end is not None:
        parts.append(f"{duration(status.seconds_to_end)} left")
    return ", ".join(parts)


def _saves(found: Overview, now: float) -> Iterator[str]:
    if found.saved:
        ago = duration(now - found.saved["time"])
        yield f"the last at iteration {found.saved['iteration']:,}, {ago} ago"
    status = found.status
    if status and found.state == "running" and status.seconds_to_save is not None:
        yield f"the next at {status.next_save:,}, in {duration(status.seconds_to_save)}"


def _options(status: Told) -> str:
    """Those that somebody has set."""
    values = sorted(status.options.items())
    told = [f"{name} {value}" for name, value in values if value != status.defaults.get(name)]
    if status.defaults:
        told.append("all others as by default" if told else "as by default")
    return ", ".join(told)


def _score(event: dict[str, object]) -> str:
    psnr, ssim = (
        "none" if math.isnan(value := number(event.get(name))) else f"{value:.{digits}f}"
        for name, digits in (("psnr", 2), ("ssim", 4))
    )
    return f"PSNR {psnr}, SSIM {ssim} at iteration {event['iteration']:,}"
