"""Who may see the page: those who know its token, from its own address."""

import hmac
import ipaddress
import secrets
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from lib.page.address import is_loopback

TOKEN = "token"
_HEADERS = {
    # What Vue needs, and not a byte from elsewhere.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline' "
    "'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def new_token() -> str:
    """A token of 256 random bits."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Door:
    """What opens the page.

    Attributes
    ----------
    host, port
        Where it is served.
    token
        The secret of its address.
    """

    host: str
    port: int
    token: str = field(repr=False)

    @property
    def cookie(self) -> str:
        """Name of the cookie that keeps the token: browsers give cookies to every port."""
        return f"faceswap_{self.port}"

    def refusal(self, connection: HTTPConnection) -> str | None:
        """Why a request is refused; None where it is not."""
        headers = connection.headers
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._is_own(host):
            return "this page is not served under that name"
        if any(_netloc(origin) != host.lower() for origin in headers.getlist("origin")):
            return "this page is asked by itself alone, not by others"
        if not (self.knows(connection.cookies.get(self.cookie)) or self.is_shown(connection)):
            return "open the address that the run printed: it has a token"
        return None

    def is_shown(self, connection: HTTPConnection) -> bool:
        """Whether the address itself has the token."""
        return self.knows(connection.query_params.get(TOKEN))

    def knows(self, token: str | None) -> bool:
        """Whether a token is the right one, in a time that does not tell how much of it is."""
        return token is not None and hmac.compare_digest(token.encode(), self.token.encode())

    def _is_own(self, host: str) -> bool:
        """Whether a Host header names this server; a name rebound to its address does not."""
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        if name is None or "@" in host:
            return False
        if is_loopback(self.host):
            return name in {"localhost", "127.0.0.1", "::1", self.host.lower()}
        # Nobody can rebind an address, only a name.
        own = {"localhost", self.host.lower(), socket.gethostname().lower()}
        return name in own or _is_address(name)


def _netloc(origin: str) -> str | None:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in ("http", "https") else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """Lets nothing through, page, picture, script or websocket, that `Door.refusal` refuses.

    Parameters
    ----------
    app
        What is behind it.
    door
        What opens it.
    """

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it with 403."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if (reason := self._door.refusal(connection)) is None:
            await self._app(scope, receive, self._sealed(connection, send))
        elif scope["type"] == "http":
            await PlainTextResponse(f"Refused: {reason}.\n", 403)(scope, receive, send)
        else:
            await WebSocketClose(1008, reason)(scope, receive, send)

    def _sealed(self, connection: HTTPConnection, send: Send) -> Send:
        """What is sent, with the headers that keep a browser from talking to others."""
        is_shown = self._door.is_shown(connection)

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                if is_shown:
                    headers.append("Set-Cookie", self._set_cookie())
            await send(message)

        return sealed

    def _set_cookie(self) -> str:
        return f"{self._door.cookie}={self._door.token}; Path=/; HttpOnly; SameSite=Strict"
