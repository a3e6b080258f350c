"""Where the page is served."""

import errno
import ipaddress
import socket

from lib.errors import FaceswapError

PORTS_TRIED = 20
_LONGEST_QUEUE = 100
_NOT_HERE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


def is_loopback(host: str) -> bool:
    """Whether a host is this machine as seen by itself alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_everywhere(host: str) -> bool:
    """Whether a host stands for all addresses of this machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """Open a socket, at the port or the next one that is free.

    Parameters
    ----------
    host
        Address or name of this machine.
    port
        The first that is tried, of 20.

    Raises
    ------
    FaceswapError
        The host is not this machine's, or all those ports are taken.
    """
    problem: OSError | None = None
    for tried in range(port, min(port + PORTS_TRIED, 65536)):
        try:
            return _open(host, tried)
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno in _NOT_HERE:
                raise FaceswapError(
                    f"the page can't be served at '{host}': {error.strerror}; name an address of "
                    "this machine with --host (--page-host of train), or leave it out"
                ) from error
            problem = error
    raise FaceswapError(
        f"the page can't be served at ports {port} to {port + PORTS_TRIED - 1} of '{host}': "
        f"{problem.strerror if problem else 'there are none'}; name another with --port "
        "(--page-port of train)"
    )


def _open(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, protocol)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows would share it with another program
            made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(_LONGEST_QUEUE)
    except OSError:
        made.close()
        raise
    return made


def url(host: str, port: int, token: str) -> str:
    """The page's address, to be opened in a browser."""
    name = socket.gethostname() if is_everywhere(host) else host
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/?token={token}"
