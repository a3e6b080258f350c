"""Nothing is served without the token, under another name, or to another site's page."""

import hmac

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocket, WebSocketDisconnect

from lib.page.security import Door, Guard, new_token

DOOR = Door("127.0.0.1", 8765, "right")
COOKIE = {"cookie": "other=1; faceswap_8765=right"}


async def _page(_) -> PlainTextResponse:
    return PlainTextResponse("page")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("open")
    await socket.close()


def client(door: Door = DOOR) -> TestClient:
    routes = [Route("/{path:path}", _page), WebSocketRoute("/ws", _socket)]
    app = Starlette(routes=routes)
    return TestClient(Guard(app, door), base_url="http://127.0.0.1:8765")


def test_the_address_opens_the_page_and_the_cookie_all_else() -> None:
    browser = client()
    assert browser.get("/picture").status_code == 403
    opened = browser.get("/?token=right")
    assert opened.status_code == 200
    cookie = opened.headers["set-cookie"]
    assert cookie == "faceswap_8765=right; Path=/; HttpOnly; SameSite=Strict"
    again = browser.get("/picture")
    assert again.status_code == 200
    assert "set-cookie" not in again.headers


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"cookie": "faceswap_8765="},
        {"cookie": "faceswap_8765=wrong"},
        {"cookie": "faceswap_8766=right"},
        {"cookie": "faceswap_8765=right"[:-1]},
        {"cookie": "faceswap_8765=ärger".encode()},
    ],
)
@pytest.mark.parametrize("path", ["/", "/_nicegui/static/x.js", "/?token=", "/?token=wrong"])
def test_a_wrong_token_is_refused(sent: dict, path: str) -> None:
    answer = client().get(path, headers=sent)
    assert answer.status_code == 403
    assert "right" not in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("host", "code"),
    [
        *(("127.0.0.1:8765", 200), ("localhost:8765", 200), ("[::1]:8765", 200)),
        *(("localhost:9000", 200), ("evil.example", 403), ("evil.example:8765", 403)),
        *(("127.0.0.1.evil.example", 403), ("", 403), ("[", 403), ("192.0.2.1:8765", 403)),
        ("localhost@evil.example", 403),
    ],
)
def test_other_names_are_refused(host: str, code: int) -> None:
    """Those that another site gives our address (DNS rebinding); tunnels change the port alone."""
    assert client().get("/", headers={**COOKIE, "host": host}).status_code == code


@pytest.mark.parametrize(
    ("host", "code"),
    [("192.0.2.1:8765", 200), ("[2001:db8::1]:8765", 200), ("box:8765", 200), ("evil.org", 403)],
)
def test_a_page_for_the_network_has_addresses_and_its_own_name(host, code, monkeypatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Box")
    door = Door("0.0.0.0", 8765, "right")
    assert client(door).get("/", headers={**COOKIE, "host": host}).status_code == code


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        ("http://127.0.0.1:8765", 200),
        *(("http://localhost:8765", 403), ("http://127.0.0.1:8766", 403)),
        *(("https://evil.example", 403), ("null", 403), ("http://[", 403), ("file://", 403)),
    ],
)
def test_other_origins_are_refused(origin: str, code: int) -> None:
    assert client().get("/", headers={**COOKIE, "origin": origin}).status_code == code


def websocket(sent: dict) -> WebSocketTestSession:
    return client().websocket_connect("/ws", headers={"host": "127.0.0.1:8765", **sent})


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"cookie": "faceswap_8765=wrong"},
        {**COOKIE, "origin": "http://evil.example"},
        {**COOKIE, "host": "evil.example"},
    ],
)
def test_websockets_are_refused_in_the_same_way(sent: dict) -> None:
    with pytest.raises(WebSocketDisconnect), websocket(sent):
        pass
    with websocket(COOKIE) as opened:
        assert opened.receive_text() == "open"


def test_browsers_are_told_to_fetch_nothing_from_elsewhere() -> None:
    headers = client().get("/", headers=COOKIE).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "//" not in policy
    assert headers["referrer-policy"] == "no-referrer"


def test_tokens_are_long_random_and_compared_in_constant_time(monkeypatch) -> None:
    assert len(new_token()) >= 43
    assert new_token() != new_token()
    assert "right" not in repr(DOOR)
    compared = []
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or True)
    assert DOOR.knows("x")
    assert compared == [(b"x", b"right")]
