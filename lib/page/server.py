"""Serves the page until it is told to end."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import uvicorn
from fastapi import FastAPI
from nicegui import ui

from lib.page.address import listen, url
from lib.page.asking import Asking
from lib.page.feed import Feed
from lib.page.layout import House
from lib.page.routes import make_routes
from lib.page.security import Door, Guard, new_token
from lib.page.settings import Settings

SECONDS_BETWEEN_LOOKS = 1.0
LINGERING = 15.0
"""Seconds at most for which a page waits for the last words of its run."""
_RECONNECT = 60.0
_ICON = "🎭"


class PageServer:
    """A page and its web server; one in a process.

    Parameters
    ----------
    settings
        What is served, and where.

    Raises
    ------
    FaceswapError
        It can't be served there.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._socket = listen(settings.host, settings.port)
        port = self._socket.getsockname()[1]
        self._door = Door(settings.host, port, new_token())
        self._feed = Feed(settings.model_dir, settings.name)
        asking = Asking(self._feed, read_only=settings.read_only)
        self._house = House(self._feed, asking)
        self._announce: Callable[[], None] = lambda: None
        self._is_to_end = threading.Event()
        self._server = uvicorn.Server(self._config())

    @property
    def url(self) -> str:
        """The page's address, with its token."""
        return url(self._door.host, self._door.port, self._door.token)

    def run(self, announce: Callable[[], None]) -> None:
        """Serve until `end` is called, or the process is interrupted.

        Parameters
        ----------
        announce
            Called once, when it serves.
        """
        self._announce = announce
        self._house.open()
        self._server.run(sockets=[self._socket])

    def end(self) -> None:
        """Show viewers how the run ended, and stop serving; from any thread."""
        self._is_to_end.set()

    def _config(self) -> uvicorn.Config:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=self._living)
        app.include_router(make_routes(self._feed))
        app.add_middleware(Guard, door=self._door)
        ui.run_with(
            app,
            dark=None,
            favicon=_ICON,
            binding_refresh_interval=None,
            reconnect_timeout=_RECONNECT,
            show_welcome_message=False,
            tailwind=False,
        )
        # A log of addresses would hold the token.
        return uvicorn.Config(
            app, access_log=False, log_level="warning", timeout_graceful_shutdown=1
        )

    @asynccontextmanager
    async def _living(self, _: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(self._feed.look)
        task = asyncio.create_task(self._look_on())
        self._announce()
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _look_on(self) -> None:
        while not self._is_to_end.is_set():
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            await asyncio.to_thread(self._feed.look)
        await self._see_the_end()
        self._server.should_exit = True

    async def _see_the_end(self) -> None:
        """Wait for the run's last words, and until viewers have had the time to get them."""
        waited = 0.0
        while self._feed.is_running and waited < LINGERING:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS / 2)
            await asyncio.to_thread(self._feed.look)
            waited += SECONDS_BETWEEN_LOOKS / 2
        folder = os.path.abspath(self._settings.model_dir)
        self._house.ending = (
            f"This page has ended with the run and stays as it is; faceswap page -m '{folder}' "
            "shows it again."
        )
        await asyncio.sleep(2 * SECONDS_BETWEEN_LOOKS)
