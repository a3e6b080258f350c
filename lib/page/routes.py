"""Pictures and films of the page.

A browser names them by numbers and fixed words alone, which lead into lists of the server's own.
"""

import threading
from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from lib.errors import FaceswapError
from lib.page.feed import Feed
from lib.page.film import FORMATS, film
from lib.page.pictures import Kind, Pictures, Side, Size

_MINE = {"Cache-Control": "no-store"}
_BUSY = "another film is being made: wait for it"


def make_routes(feed: Feed) -> APIRouter:
    """Routes for faces, masks, pictures of the time-lapse, and films of it."""
    routes, pictures, one_film = APIRouter(), Pictures(feed), threading.Lock()

    @routes.get("/face/{side}/{index}/{kind}/{size}")
    def face(side: Side, index: int, kind: Kind, size: Size) -> Response:
        return _picture(lambda: pictures.face(side, index, kind, size), "image/jpeg")

    @routes.get("/mask/{side}/{index}")
    def mask(side: Side, index: int) -> Response:
        return _picture(lambda: pictures.mask(side, index), "image/png")

    @routes.get("/frame/{index}")
    def frame(index: int) -> Response:
        frames = feed.frames
        if not 0 <= index < len(frames):
            raise HTTPException(404)
        return _picture(frames[index].read_bytes, "image/jpeg")

    @routes.get("/film/{kind}")
    def whole_film(kind: Literal["mp4", "gif"]) -> Response:
        if not one_film.acquire(blocking=False):
            raise HTTPException(503, _BUSY)
        try:
            made = _picture(lambda: film(feed.frames, kind), FORMATS[kind])
        finally:
            one_film.release()
        name = f"time-lapse.{kind}"
        made.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return made

    return routes


def _picture(make: Callable[[], bytes], kind: str) -> Response:
    try:
        return Response(make(), media_type=kind, headers=_MINE)
    except (FaceswapError, OSError) as error:
        raise HTTPException(404, str(error)) from error
