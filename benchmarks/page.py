"""What the page of a run, with five viewers, adds to the time of an iteration.

The page and its viewers stand still (SIGSTOP) while an iteration alone is timed, and go on for the
next: so both are measured in turn, with all connections open. Viewers are no browsers but one
process that holds five of the page's websockets and fetches every picture that it is told of; it
runs at nice 19, for on a machine of their own viewers would cost the run nothing.
"""

import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np

from benchmarks.timing import parser, report, seconds
from lib.folder_lock import FolderLock
from lib.live.events import EventLog
from lib.live.history import log_path
from lib.live.reporter import Reporter
from lib.live.samples import SideFaces, write_samples
from lib.live.status import Status, live_folder, resident_memory

VIEWERS, FACES, EDGE = 5, 14, 256
SECONDS_BETWEEN_ACKS = 3
SAVE_INTERVAL = 250
"""Iterations from preview to preview, as by default."""


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--model", default="compact", help="model plugin (default: compact)")
    options.add_argument("--batch", type=int, default=16, help="faces of each side (default: 16)")
    options.add_argument("--block", type=int, default=4, help="iterations in a row (default: 4)")
    options.add_argument("--view", metavar="URL", help="be the viewers of this page")
    arguments = options.parse_args()
    if arguments.view:
        asyncio.run(view(arguments.view))
        return
    with tempfile.TemporaryDirectory() as folder, FolderLock(folder):
        report(measure(Path(folder), arguments), arguments.json)


def measure(folder: Path, arguments: Namespace) -> dict[str, object]:
    """Time iterations alone, with the page, and with the page and its viewers."""
    step = make_step(arguments.model, arguments.batch)
    with telling(folder, arguments.model) as preview, page(folder, arguments.model) as (pid, url):
        viewers = start_viewers(url)
        try:
            processes = pid, viewers.pid
            for _ in range(3):  # the first are slower
                step()
            rounds = [
                one_round(step, preview, processes, arguments.block)
                for _ in range(arguments.rounds)
            ]
            busy = cpu_seconds(pid)
            assert viewers.poll() is None, "viewers have lost the page"
        finally:
            viewers.send_signal(signal.SIGCONT)
            viewers.terminate()
            viewers.wait()
    alone, paged, viewed, own = map(statistics.median, zip(*(r[:4] for r in rounds), strict=True))
    return {
        "model": arguments.model,
        "batch": arguments.batch,
        "viewers": VIEWERS,
        "seconds": alone,
        "page_vs_alone": statistics.median(r[1] / r[0] for r in rounds),
        "viewed_vs_alone": statistics.median(r[2] / r[0] for r in rounds),
        "run_vs_alone": statistics.median((r[2] + r[4] / SAVE_INTERVAL) / r[0] for r in rounds),
        "page_seconds": paged,
        "viewed_seconds": viewed,
        "preview_seconds": statistics.median(r[4] for r in rounds),
        "page_cpu_share": own,
        "page_cpu_seconds": busy,
    }


def one_round(
    step: Callable[[], object],
    preview: Callable[[], None],
    processes: tuple[int, int],
    block: int,
) -> tuple[float, float, float, float, float]:
    """Seconds of an iteration alone, with the page, and with viewers.

    Then the page's share of a core meanwhile, and the seconds that a new preview costs the run.
    """
    page_process, viewers = processes

    def timed() -> list[float]:
        return [seconds(step) for _ in range(block)]

    os.kill(viewers, signal.SIGSTOP)
    os.kill(page_process, signal.SIGSTOP)
    alone = timed()
    os.kill(page_process, signal.SIGCONT)
    paged = timed()
    os.kill(viewers, signal.SIGCONT)
    time.sleep(1)  # they catch up
    begun, used = time.perf_counter(), cpu_seconds(page_process)
    viewed = timed()
    share = (cpu_seconds(page_process) - used) / (time.perf_counter() - begun)
    preview()
    renewed = timed()
    lost = max(0.0, sum(renewed) - sum(viewed))
    return (*map(statistics.median, (alone, paged, viewed)), share, lost)


def make_step(model: str, batch: int) -> Callable[[], object]:
    """A training step on random faces."""
    # Only here: viewers need no torch.
    from benchmarks.plugin import make_plugin, random_sides
    from lib.training.step import TrainingStep

    plugin = make_plugin(model)
    training, sides = TrainingStep(plugin.model, plugin.config), random_sides(plugin.model, batch)
    return lambda: training([sides], 1e-4).losses.tolist()


@contextlib.contextmanager
def telling(folder: Path, model: str) -> Iterator[Callable[[], None]]:
    """Write a run's status and log as a run does; gives what renews the preview."""
    live = live_folder(folder, model)
    status = Status(state="starting", plugin=model, pid=os.getpid())
    reporter = Reporter(live, status, save_interval=SAVE_INTERVAL, memory=resident_memory)
    reporter.begin(
        EventLog(log_path(folder, model)),
        0,
        1_000_000,
        options={"learning_rate": 5e-5},
        defaults={},
    )
    rng, ended = np.random.default_rng(0), threading.Event()
    faces = rng.integers(0, 256, (FACES, EDGE, EDGE, 3), dtype=np.uint8)
    side = SideFaces(originals=faces, same=faces, swapped=faces, masks=faces[..., 0])

    def tell() -> None:
        iteration = 0
        while not ended.wait(0.2):
            iteration += 1
            losses = rng.uniform(0.1, 0.2, (1, 2))
            reporter.figures(iteration, losses, rate=5.0, waiting=0.01)
            reporter.tick()

    thread = threading.Thread(target=tell)
    thread.start()
    preview = lambda: write_samples(live, int(time.time()), {"a": side, "b": side})  # noqa: E731
    preview()
    yield preview
    ended.set()
    thread.join()
    reporter.end("stopped")


@contextlib.contextmanager
def page(folder: Path, model: str) -> Iterator[tuple[int, str]]:
    """The page's process and its address."""
    from scripts.page import PageProcess

    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    logger = logging.getLogger("scripts.page")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    process = PageProcess(str(folder), model, host="127.0.0.1", port=28700, read_only=False)
    process.start()
    assert process._process is not None
    yield process._process.pid, told[0].split()[-1]
    process.close()


def start_viewers(url: str) -> "subprocess.Popen[str]":
    """Five viewers in a process of their own, connected."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.page", "--view", url], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "connected\n"
    return process


async def view(url: str) -> None:
    """Be five viewers of a page, until the process is ended."""
    import aiohttp

    os.nice(19)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        sockets = [await connect(session, url) for _ in range(VIEWERS)]
        print("connected", flush=True)
        while all(client.connected for client, _ in sockets):
            for client, number in sockets:
                await client.emit("ack", {"client_id": number, "next_message_id": 0})
            await asyncio.sleep(SECONDS_BETWEEN_ACKS)


async def connect(session: Any, url: str) -> tuple[Any, str]:
    """Open a page as a browser does, and fetch the pictures that it is told of; with its number."""
    import socketio

    async with session.get(url) as answer:
        text = await answer.text()
    base = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    found = re.search(r"'client_id': '([-\w]+)'", text)
    assert found is not None, "NiceGUI's page has changed"
    query = {
        "client_id": found[1],
        "next_message_id": 0,
        "implicit_handshake": "true",
        "tab_id": found[1],
        "document_id": found[1],
    }
    token = url.partition("=")[2]
    name = f"faceswap_{urlsplit(url).port}"
    client = socketio.AsyncClient(reconnection=False)

    async def update(message: object) -> None:
        for path in set(re.findall(r"/face/\w/\d+/\w+/small\?v=\d+", json.dumps(message))):
            async with session.get(base + path) as picture:
                await picture.read()

    client.on("update", update)
    await client.connect(
        f"{base}?{urlencode(query)}",
        headers={"Cookie": f"{name}={token}"},
        socketio_path="/_nicegui_ws/socket.io",
        transports=["websocket"],
    )
    return client, found[1]


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used."""
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
