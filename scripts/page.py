"""``faceswap page``: a web page of a run, and the process that serves it beside a run."""

import contextlib
import importlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

from lib.errors import FaceswapError
from lib.live.overview import model_in
from lib.page.address import is_loopback
from lib.page.settings import Settings
from scripts.command import Command

logger = logging.getLogger(__name__)

PATIENCE = 90.0
"""Seconds for which a run waits until its page serves: on a busy machine it takes its time."""
_ROOT = Path(__file__).resolve().parents[1]


class Page(Command):
    """The page command."""

    def process(self) -> None:
        """Serve until Ctrl-C.

        Raises
        ------
        FaceswapError
            The folder holds no model, packages are missing, or it can't be served there.
        """
        self.log()
        settings = Settings(
            model_dir=self._args.model_dir,
            name=model_in(self._args.model_dir),
            host=self._args.host,
            port=self._args.port,
            read_only=self._args.read_only,
        )
        check_packages()
        # Only here: it imports the web server.
        server: Any = importlib.import_module("lib.page.server").PageServer(settings)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(lambda: self._announce(server.url))

    def _announce(self, url: str) -> None:
        announce(url, self._args.host, opens_browser=not self._args.no_browser)


class PageProcess:
    """The page of a run, in a process of its own that can neither slow nor stop it.

    Parameters
    ----------
    model_dir
        The model's folder.
    name
        The model plugin's name.
    host, port
        Where it is served; where the port is taken, at the next free one.
    read_only
        Whether it only shows.
    """

    def __init__(self, model_dir: str, name: str, *, host: str, port: int, read_only: bool) -> None:
        self._settings = Settings(
            model_dir=os.path.abspath(model_dir),
            name=name,
            host=host,
            port=port,
            read_only=read_only,
        )
        self._process: subprocess.Popen[str] | None = None
        self._said: IO[str] | None = None

    def start(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Start it, wait until it serves, and tell its address.

        Parameters
        ----------
        meanwhile
            Called again and again while it is waited for; it takes its time, but not long.

        Raises
        ------
        FaceswapError
            Packages are missing, it can't be served there, or it does not start.
        """
        check_packages()
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        try:
            self._process = self._launch(self._said)
        except OSError as error:
            raise FaceswapError(f"its process can't be started: {error.strerror}") from error
        told = self._first_words(self._process, meanwhile)
        if "url" not in told:
            problem = told.get("error") or f"it ended at once: {self._last_words()}"
            self.close()
            raise FaceswapError(problem)
        announce(told["url"], self._settings.host, opens_browser=True)

    def look(self) -> None:
        """Warn, once, if it has died."""
        if self._process is None or self._process.poll() is None:
            return
        logger.warning(
            "The page has ended (exit code %d: %s): training goes on; faceswap page -m '%s' shows "
            "it again",
            self._process.returncode,
            self._last_words(),
            self._settings.model_dir,
        )
        self.close()

    def close(self) -> None:
        """Let it end, as soon as its viewers have seen how the run ended; do not wait for it."""
        said, self._said = self._said, None
        if said is not None:
            said.close()
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        process.stdout.close()  # type: ignore[union-attr]
        threading.Thread(target=process.wait, daemon=True).start()

    def _launch(self, said: IO[str]) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "lib.page"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            encoding="utf-8",
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for the run
        )
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.write(json.dumps(asdict(self._settings)) + "\n")
            process.stdin.flush()
        return process

    def _first_words(
        self, process: "subprocess.Popen[str]", meanwhile: Callable[[], None] | None
    ) -> dict[str, str]:
        """What it says when it serves, or why it does not; nothing where it says nothing."""
        lines: SimpleQueue[str] = SimpleQueue()
        out = process.stdout
        assert out is not None
        threading.Thread(target=lambda: lines.put(out.readline()), daemon=True).start()
        try:
            told: dict[str, str] = json.loads(_next(lines, meanwhile))
            return told
        except Empty:
            process.kill()
            return {"error": f"it was not there within {PATIENCE:.0f} s"}
        except ValueError:
            process.wait()
            return {}

    def _last_words(self) -> str:
        if self._said is None:
            return "without a word"
        self._said.seek(0)
        lines = self._said.read().split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "without a word")


def _next(lines: "SimpleQueue[str]", meanwhile: Callable[[], None] | None) -> str:
    """A line, or `Empty` where none comes in time."""
    end = time.monotonic() + PATIENCE
    while meanwhile is not None and lines.empty() and time.monotonic() < end:
        meanwhile()
    return lines.get(timeout=max(0.0, end - time.monotonic()))


def _environment() -> dict[str, str]:
    paths = [str(_ROOT), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(filter(None, paths))
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path, "PYTHONUTF8": "1"}


def check_packages() -> None:
    """Refuse to go on without the packages of the page.

    Raises
    ------
    FaceswapError
        With the command that installs them.
    """
    if find_spec("nicegui") is None:
        raise FaceswapError(
            "the page needs packages that are not installed: pip install 'faceswap-train[web]'"
        )


def announce(url: str, host: str, *, opens_browser: bool) -> None:
    """Tell a page's address, and open it in a browser where there is one."""
    logger.info("Page: %s", url)
    if not is_loopback(host):
        logger.warning(
            "The page is served at '%s': whoever can reach this machine there and has its address, "
            "with the token, sees it, and what is sent is not encrypted; safer is a tunnel, "
            "ssh -L, to a page without --host (--page-host of train)",
            host,
        )
    if opens_browser and has_browser():
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def has_browser() -> bool:
    """Whether there is a screen for a browser before whoever started this."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
