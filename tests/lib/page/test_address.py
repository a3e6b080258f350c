"""Where the page can be served, and what is told where it can't."""

import socket
from contextlib import closing

import pytest

from lib.errors import FaceswapError
from lib.page.address import PORTS_TRIED, is_loopback, listen, url


def test_of_a_port_that_is_taken_the_next_free_one_serves() -> None:
    with closing(listen("127.0.0.1", 28765)) as first:
        port = first.getsockname()[1]
        with closing(listen("127.0.0.1", port)) as second:
            assert port < second.getsockname()[1] < port + PORTS_TRIED


def test_all_ports_taken_are_told(monkeypatch) -> None:
    monkeypatch.setattr("lib.page.address.PORTS_TRIED", 1)
    with closing(listen("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(FaceswapError, match=f"ports {port} to {port} of '127.0.0.1'"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such name"])
def test_another_machine_is_told(host: str) -> None:
    with pytest.raises(FaceswapError, match=f"can't be served at '{host}'.*--host"):
        listen(host, 28765)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *(("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("LOCALHOST", True)),
        *(("0.0.0.0", False), ("::", False), ("192.0.2.1", False), ("example.org", False)),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


def test_urls() -> None:
    assert url("127.0.0.1", 8765, "T") == "http://127.0.0.1:8765/?token=T"
    assert url("::1", 8765, "T") == "http://[::1]:8765/?token=T"
    assert url("0.0.0.0", 80, "T") == f"http://{socket.gethostname()}:80/?token=T"
